import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import { NatsBus } from '../../../orchestrator/cluster/bus/nats-bus.ts'
import { NatsLog } from '../../../orchestrator/cluster/journal/nats-log.ts'
import { intentStream } from '../../../orchestrator/cluster/journal/streams.ts'
import { realSystem } from '../../../shared/system.ts'
import { type LogStage, logContract } from '../../contract/cluster/shared-log.ts'
import { LogModel, type ModelLog } from '../../support/cluster/model-log.ts'
import { findNats, NatsServer } from '../../support/cluster/nats-server.ts'
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
      connect: () => logOf(servers[made++ % count]!.address, prefix, count),
      cut: async (isCut) => {
        await Promise.all(servers.map((server) => (isCut ? server.kill() : server.restart())))
      },
      close: async () => {},
    }
  })
})

function logOf(address: string, prefix: string, copies: number): NatsLog {
  const bus = new NatsBus({ system, servers: [address], isSecure: false, name: 'test', login: null })
  const log = new NatsLog({ system, bus, stream: intentStream(prefix), copies })
  bus.onState(() => log.follow())
  onTestFinished(() => bus.close())
  return log
}
