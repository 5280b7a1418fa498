/**
 * How much the journal of a network takes over real NATS servers on this machine: intents of one task are accepted by
 * one hub, a number of them at a time as they gather in a turn, then a second hub takes all of them, as after the
 * first one's death. `npm run bench:journal -- [servers] [intents]`, three and 10,000 unless said otherwise. Hub and
 * servers share the processor; the stores of hubs are not part of it.
 */
import { NatsBus } from '../../orchestrator/cluster/bus/nats-bus.ts'
import { IntentJournal } from '../../orchestrator/cluster/journal/intent-journal.ts'
import { NatsLog } from '../../orchestrator/cluster/journal/nats-log.ts'
import { intentStream } from '../../orchestrator/cluster/journal/streams.ts'
import { prefixOf } from '../../orchestrator/cluster/membership.ts'
import { sealMessage } from '../../orchestrator/cluster/roster/message.ts'
import { taskEpoch } from '../../orchestrator/cluster/roster/task-space.ts'
import type { StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import { takeoverAtOnce } from '../../shared/limits/cluster/journal.ts'
import { realSystem } from '../../shared/system.ts'
import { until } from '../../test/support/clocks/until.ts'
import { networkOf, type TestHub, testHub } from '../../test/support/cluster/network.ts'
import { findNats, NatsServer } from '../../test/support/cluster/programs/nats-server.ts'
import { event, intentRow, taskRow } from '../../test/support/store/store-rows.ts'

const [serverCount = 3, intents = 10_000] = process.argv.slice(2).map(Number)
const requestBytes = 1_024
/** Accepted at once, as many as one append of a busy hub has. */
const batches = [1, 16, 64, 128]

const found = await findNats()
if ('reason' in found) throw new Error(found.reason)
const servers = await NatsServer.withStreams(found.path, serverCount)
const system = realSystem()
const hubs = ['alpha', 'beta'].map((name, at) => testHub(name, at + 1)) as [TestHub, TestHub]
const chain = networkOf(hubs)
const prefix = prefixOf(chain)

function journalOf(hub: TestHub, at: number): { journal: IntentJournal; close: () => Promise<void> } {
  const addresses = servers.map((_, turn) => servers[(at + turn) % servers.length]!.address)
  const bus = new NatsBus({ system, servers: addresses, isSecure: false, name: hub.name, login: null })
  const log = new NatsLog({ system, bus, stream: intentStream(prefix), copies: serverCount >= 3 ? 3 : 1 })
  bus.onState(() => log.follow())
  const own = { name: hub.name, boot: 1 }
  const head = { from: own, to: null, epoch: chain.epoch, number: 1 }
  const sign = (subject: string, payload: Uint8Array) => sealMessage(head, subject, payload, hub.identity)
  const journal = new IntentJournal({ system, log, membership: { standing: 'member', chain, own, prefix, sign } })
  return { journal, close: () => bus.close() }
}

const [first, second] = [journalOf(hubs[0], 0), journalOf(hubs[1], 1)]
await until('the journals to be open', () => first.journal.trouble === null && second.journal.trouble === null)

let task = taskEpoch(1, 1) * 2 ** 32
const request = crypto.getRandomValues(new Uint8Array(requestBytes))

function begun(): { intent: string; writes: StoreWrite[] } {
  const intent = `int_${crypto.randomUUID().replaceAll('-', '')}`
  task += 1
  const tasks = [taskRow(task, intent)]
  return {
    intent,
    writes: [{ write: 'intent', intent: intentRow(intent), tasks, requests: [request] }, event(intent, 1)],
  }
}

async function acceptAll(count: number, batch: number): Promise<void> {
  const latencies: number[] = []
  const beganMs = performance.now()
  const before = process.cpuUsage()
  for (let done = 0; done < count; done += batch) {
    const records = Array.from({ length: Math.min(batch, count - done) }, begun)
    const sentMs = performance.now()
    const lost = await first.journal.append(records)
    if (lost.size > 0) throw new Error('an intent that was just begun is lost')
    for (const _ of records) latencies.push(performance.now() - sentMs)
  }
  const tookMs = performance.now() - beganMs
  const { user, system: inKernel } = process.cpuUsage(before)
  latencies.sort((one, other) => one - other)
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))]!.toFixed(1)
  const rate = Math.round((count / tookMs) * 1_000)
  const cpu = Math.round((user + inKernel) / count)
  say(`accept, ${batch} at once: ${rate}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${cpu} us of the hub each`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await acceptAll(200, 16)
for (const batch of batches) await acceptAll(batch === 1 ? Math.ceil(intents / 10) : intents, batch)

const marked = await second.journal.marks.of('alpha')
if (marked === 'unsure') throw new Error('the intents cannot be listed')
const named = marked.marks.flatMap((mark) => mark.intents)
const open = named.slice(0, intents)
const beganMs = performance.now()
let taken = 0
for (let at = 0; at < open.length; at += takeoverAtOnce) {
  const some = open.slice(at, at + takeoverAtOnce)
  const outcomes = await Promise.all(some.map((intent) => second.journal.take(intent, 'alpha')))
  taken += outcomes.filter(({ is }) => is === 'taken').length
}
const tookS = ((performance.now() - beganMs) / 1_000).toFixed(1)
say(`take ${open.length} of ${named.length} open: ${tookS} s, ${taken} taken`)
await Promise.all([first.close(), second.close()])
await Promise.all(servers.map((server) => server.remove()))
