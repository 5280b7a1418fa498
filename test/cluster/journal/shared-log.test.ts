import { jetstream } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { NatsBus } from '../../../orchestrator/cluster/bus/nats-bus.ts'
import { after } from '../../../orchestrator/cluster/journal/log.ts'
import { NatsLog } from '../../../orchestrator/cluster/journal/nats-log.ts'
import { intentStream } from '../../../orchestrator/cluster/journal/streams.ts'
import { realSystem } from '../../../shared/system.ts'
import { type LogStage, logContract } from '../../contract/cluster/shared-log.ts'
import { until } from '../../support/clocks/until.ts'
import { LogModel, type ModelLog } from '../../support/cluster/model-log.ts'
import { findNats, NatsServer } from '../../support/cluster/programs/nats-server.ts'
import { installMsMax } from '../../support/machine/apt.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const system = realSystem()

describe('the model of a log', () => {
  logContract(async (): Promise<LogStage> => {
    const model = new LogModel(system)
    const logs: ModelLog[] = []
    return {
      prefix: 'chasm.test',
      connect: () => {
        const log = model.connect()
        logs.push(log)
        return log
      },
      cut: async (isCut) => {
        for (const log of logs) log.cut(isCut)
      },
      close: async () => {},
    }
  })
})

describe.each([
  ['one server', 1],
  ['a cluster of three', 3],
])(`JetStream, %s${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, (_what, count) => {
  let servers: NatsServer[] = []
  if (program === '') return test.skip('the contract of a log', () => {})
  beforeAll(async () => {
    servers = await NatsServer.withStreams(program, count)
  }, installMsMax)
  afterAll(() => Promise.all(servers.map((server) => server.remove())))
  let stages = 0
  logContract(async (): Promise<LogStage> => {
    const prefix = `chasm.test${++stages}`
    let made = 0
    return {
      prefix,
      connect: () => logOf([servers[made++ % count]!.address], prefix, count),
      cut: async (isCut) => {
        await Promise.all(servers.map((server) => (isCut ? server.kill() : server.restart())))
      },
      close: async () => {},
    }
  })
})

test.skipIf(program === '')(
  'what bears the identity of a place elsewhere keeps nobody from it, nor lets two in',
  async () => {
    const [server] = (await NatsServer.withStreams(program, 1)) as [NatsServer]
    onTestFinished(() => server.remove())
    const bus = new NatsBus({ system, servers: [server.address], isSecure: false, name: 'test', login: null })
    onTestFinished(() => bus.close())
    const log = new NatsLog({ system, bus, stream: intentStream('chasm.held'), copies: 1 })
    bus.onState(() => log.follow())
    await until('the log to be open', () => log.apart === null)
    const place = 'chasm.held.intent.place'
    const first = await log.append(place, Buffer.from('first'), 0)
    const last = typeof first === 'object' ? first.seq : 0
    const held = await jetstream(bus.connected!).publish('chasm.held.intent.other', 'x', { msgID: String(last) })
    expect(held.duplicate).toBe(false)
    const tries = await Promise.all(['one', 'two'].map((text) => log.append(place, Buffer.from(text), last)))
    expect(tries.filter((outcome) => typeof outcome === 'object')).toEqual([{ seq: held.seq + 1 }])
    expect(tries).toContain('conflict')
  },
)

describe.skipIf(program === '')(
  `JetStream on three servers${'reason' in found ? ` (skipped: ${found.reason})` : ''}`,
  () => {
    test('has all that it had, and takes more, whichever server dies, while two are there', async () => {
      const servers = await NatsServer.withStreams(program, 3)
      onTestFinished(async () => void (await Promise.all(servers.map((server) => server.remove()))))
      const addresses = servers.map(({ address }) => address)
      const log = logOf(addresses, 'chasm.deaths', 3)
      const subject = 'chasm.deaths.intent.kept'
      /** Asked again where there is no answer, as a hub does: the end of the subject shows whether it was appended. */
      const appended = async (text: string, last: number): Promise<number> => {
        for (;;) {
          await until('the log to be there', () => log.apart === null)
          const outcome = await log.append(subject, Buffer.from(text), last)
          if (typeof outcome === 'object') return outcome.seq
          const end = await log.last(subject)
          if (outcome === 'conflict' && typeof end === 'number' && end > last) return end
        }
      }
      const ends = [await appended('first', 0)]
      for (const [at, server] of servers.entries()) {
        await server.kill()
        ends.push(await appended(`without ${at}`, ends.at(-1)!))
        await server.restart()
        ends.push(await appended(`with ${at}`, ends.at(-1)!))
      }
      const texts: string[] = []
      for (let seq = 0; seq < ends.at(-1)!; ) {
        const next = await after(log, subject, seq)
        if (next === 'unsure') continue
        texts.push(Buffer.from(next.message).toString())
        seq = next.seq
      }
      expect(texts).toEqual(['first', ...[0, 1, 2].flatMap((at) => [`without ${at}`, `with ${at}`])])
    })
  },
)

function logOf(addresses: string[], prefix: string, copies: number): NatsLog {
  const bus = new NatsBus({ system, servers: addresses, isSecure: false, name: 'test', login: null })
  const log = new NatsLog({ system, bus, stream: intentStream(prefix), copies })
  bus.onState(() => log.follow())
  onTestFinished(() => bus.close())
  return log
}
