import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { NatsBus } from '../../orchestrator/cluster/bus/nats-bus.ts'
import { realSystem } from '../../shared/system.ts'
import { type BusStage, busContract } from '../contract/cluster/bus.ts'
import { Conditions } from '../support/clocks/conditions.ts'
import { BusModel, type ModelBus } from '../support/cluster/model-bus.ts'
import { findNats, NatsServer } from '../support/cluster/programs/nats-server.ts'
import { installMsMax } from '../support/machine/apt.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const system = realSystem()

describe('the model of a bus', () => {
  busContract(async () => {
    const model = new BusModel(system)
    const buses: ModelBus[] = []
    return {
      connect: () => {
        const bus = model.connect()
        buses.push(bus)
        return bus
      },
      cut: async (isCut) => {
        for (const bus of buses) bus.cut(isCut)
      },
      stall: (isStalled) => {
        for (const bus of buses) bus.stall(isStalled)
      },
      close: async () => {},
    }
  })
})

describe.each([
  ['one server', 1],
  ['a cluster of three', 3],
])(`NATS, %s${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, (_what, count) => {
  let servers: NatsServer[] = []
  if (program === '') return test.skip('the contract of a bus', () => {})
  beforeAll(async () => {
    servers = count === 1 ? [await NatsServer.start(program)] : await NatsServer.cluster(program, count)
  }, installMsMax)
  afterAll(() => Promise.all(servers.map((server) => server.remove())))
  busContract(async (): Promise<BusStage> => {
    let made = 0
    return {
      // Each begins with another server, so that messages pass between servers.
      connect: () => busOf(servers[made++ % servers.length]!.address),
      cut: async (isCut) => {
        await Promise.all(servers.map((server) => (isCut ? server.kill() : server.restart())))
      },
      stall: (isStalled) => {
        for (const server of servers) server.stall(isStalled)
      },
      close: async () => {},
    }
  })
})

describe.skipIf(program === '')('a bus over NATS', () => {
  test('is there before its server, and says what it waits for', async () => {
    const server = await NatsServer.start(program)
    onTestFinished(() => server.remove())
    await server.kill()
    const changes = new Conditions()
    const bus = busOf(server.address)
    bus.onState(() => changes.changed())
    onTestFinished(() => bus.close())
    await changes.until('the reason', () => 'why' in bus.state && /could be reached/.test(bus.state.why))
    await server.restart()
    await changes.until('the connection', () => bus.state.isConnected)
  })

  test('moves to another server of the cluster when its own dies', async () => {
    const servers = await NatsServer.cluster(program, 3)
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.remove()))))
    const changes = new Conditions()
    const bus = busOf(...servers.map(({ address }) => address))
    bus.onState(() => changes.changed())
    onTestFinished(() => bus.close())
    await changes.until('the connection', () => bus.state.isConnected)
    const own = servers.find(({ address }) => bus.state.isConnected && bus.state.server === address)
    await own!.kill()
    await changes.until('another server', () => bus.state.isConnected && bus.state.server !== own!.address)
  })

  test('logs in, and without the right password names the refusal but no secret', async () => {
    const server = await NatsServer.start(program, '--user', 'hub', '--pass', 'right-one')
    onTestFinished(() => server.remove())
    const changes = new Conditions()
    const [good, bad] = ['right-one', 'wrong-one'].map((password) => {
      const bus = new NatsBus({
        ...{ system, servers: [server.address], isSecure: false, name: 'test' },
        login: { user: 'hub', password },
      })
      bus.onState(() => changes.changed())
      onTestFinished(() => bus.close())
      return bus
    }) as [NatsBus, NatsBus]
    await changes.until('the connection', () => good.state.isConnected)
    await changes.until('the refusal', () => 'why' in bad.state && /refused/.test(bad.state.why))
    expect(JSON.stringify(bad.state)).toMatch(/Authorization/i)
    expect(JSON.stringify(bad.state)).not.toContain('wrong-one')
  })
})

function busOf(...servers: string[]): NatsBus {
  return new NatsBus({ system, servers, isSecure: false, name: 'test', login: null })
}
