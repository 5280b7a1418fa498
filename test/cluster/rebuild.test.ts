import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { NatsBus } from '../../orchestrator/cluster/bus/nats-bus.ts'
import { IntentJournal } from '../../orchestrator/cluster/journal/intent-journal.ts'
import { NatsLog } from '../../orchestrator/cluster/journal/nats-log.ts'
import { intentStream } from '../../orchestrator/cluster/journal/streams.ts'
import { prefixOf } from '../../orchestrator/cluster/membership.ts'
import { sealMessage } from '../../orchestrator/cluster/roster/message.ts'
import { taskEpoch } from '../../orchestrator/cluster/roster/task-space.ts'
import { rebuild } from '../../orchestrator/commands/cluster-rebuild.ts'
import { defaultConfig } from '../../orchestrator/config.ts'
import type { StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { realSystem } from '../../shared/system.ts'
import { until } from '../support/clocks/until.ts'
import { folderOf, good, networkOf, testHub } from '../support/cluster/network.ts'
import { findNats, NatsServer } from '../support/cluster/programs/nats-server.ts'
import { event, intentRow, newIntent, nonce, settle, taskRow } from '../support/store/store-rows.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const system = realSystem()
const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const chain = networkOf([alpha, beta])

describe.skipIf(program === '')(`rebuild${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  /** A hub that writes into the journal. */
  async function journalOf(hub: typeof alpha, address: string): Promise<IntentJournal> {
    const bus = new NatsBus({ system, servers: [address], isSecure: false, name: hub.name, login: null })
    onTestFinished(() => bus.close())
    const prefix = prefixOf(chain)
    const log = new NatsLog({ system, bus, stream: intentStream(prefix), copies: 1 })
    bus.onState(() => log.follow())
    const own = { name: hub.name, boot: 1 }
    const head = { from: own, to: null, epoch: chain.epoch, number: 1 }
    const sign = (subject: string, payload: Uint8Array) => sealMessage(head, subject, payload, hub.identity)
    const journal = new IntentJournal({ system, log, membership: { standing: 'member', chain, own, prefix, sign } })
    await until('the journal to be open', () => journal.trouble === null)
    return journal
  }

  const first = (hub: typeof alpha) => taskEpoch(chain.slotOf(hub.identity.key)!, 1) * 2 ** 32
  const begun = (id: string, task: number): StoreWrite[] => [
    newIntent(intentRow(id), [taskRow(task, id)]),
    event(id, 1),
  ]
  const over = (id: string, task: number): StoreWrite[] => [
    { write: 'lease', task, attempt: 1, nonce, scout: 'box', instance: 'i' },
    settle(task),
    { write: 'intentEnd', intent: id, state: 'done', fault: null, finishedMs: 9 },
    event(id, 2),
  ]

  test('brings back what this hub ended, leaves the rest to its start and to others, and can be repeated', async () => {
    const [server] = await NatsServer.withStreams(program, 1)
    onTestFinished(() => server!.remove())
    const [own, other] = [await journalOf(alpha, server!.address), await journalOf(beta, server!.address)]
    const task = first(alpha)
    await own.append([{ intent: 'int_1', writes: begun('int_1', task) }])
    await own.append([{ intent: 'int_1', writes: over('int_1', task) }])
    await own.append([{ intent: 'int_2', writes: begun('int_2', task + 1) }])
    const foreign = first(beta)
    await other.append([{ intent: 'int_3', writes: [...begun('int_3', foreign), ...over('int_3', foreign)] }])
    const dataDir = folderOf(alpha, chain)
    const config = { ...defaultConfig(), dataDir, clusterServers: [server!.address] }
    const run = async () => good(await rebuild(config, system)).output
    const some = good(await rebuild(config, system, 2))
    expect(some).toMatchObject({ hint: expect.stringContaining('more than the 2 intents') })
    expect(await run()).toMatch(/^[01] intents that are over were brought back/)
    expect(await run()).toMatch(/^0 intents/)
    const { store, close } = good(openDataFolder(dataDir, 'guest', system))
    expect(['int_1', 'int_2', 'int_3'].map((id) => store.intent(id)?.state)).toEqual(['done', undefined, undefined])
    expect([store.result(task), store.eventsAfter('int_1', 0, 9).length]).toEqual([Uint8Array.of(1, 2, 3), 2])
    close()
  })

  test('says in a sentence what is missing', async () => {
    const dataDir = folderOf(alpha, chain)
    const flawOf = async (changes: object) => {
      const outcome = await rebuild({ ...defaultConfig(), dataDir, ...changes }, system)
      return 'flaw' in outcome ? outcome.flaw : ''
    }
    expect(await flawOf({})).toContain('CLUSTER_URL is not set')
    rmSync(join(dataDir, 'roster.json'))
    expect(await flawOf({ clusterServers: ['127.0.0.1:1'] })).toContain('There is no authority of a network')
  })
})
