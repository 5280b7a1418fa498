/**
 * How much the SQLite store takes with every commit flushed to the disk: accepting, leasing and settling intents of
 * one task each, in batches as group commit makes them, and reading everything open back at boot.
 * `npm run bench:store -- [folder]`; the folder should lie on the disk in question (default: the temporary folder).
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store, StoreWrite, TaskRow } from '../../orchestrator/engine/ports/store.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'

const batchSizes = [1, 8, 64]
const intentsPerSize = new Map([
  [1, 2_000],
  [8, 16_000],
  [64, 64_000],
])
const openIntents = 100_000
const forgetRows = 200
const requestBytes = 1_024
const answerBytes = 2_048
const wallMs = 1_800_000_000_000

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'chasm-bench-'))
const path = join(folder, 'chasm.db')

/** As the hub opens it at boot, the check of the whole file included. */
function open(): Store {
  const store = openSqlite(path, { mayCreate: true, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  return store
}

const served = JSON.stringify({ scout: 'a-scout', provider: 'demo', model: 'llama-3.3-70b' })
const request = crypto.getRandomValues(new Uint8Array(requestBytes))
const answer = crypto.getRandomValues(new Uint8Array(answerBytes))
let lastTask = 2 ** 32

interface Planned {
  intent: string
  task: number
  nonce: Uint8Array
}

function plan(): Planned {
  lastTask += 1
  return { intent: `int_${crypto.randomUUID()}`, task: lastTask, nonce: crypto.getRandomValues(new Uint8Array(16)) }
}

function acceptance({ intent, task }: Planned): StoreWrite[] {
  const tenant = `key_${task % 50}`
  const times = { createdMs: wallMs, deadlineMs: wallMs + 600_000, finishedMs: null }
  const row: TaskRow = {
    task,
    intent,
    node: 'answer',
    kind: 'chat',
    model: 'llama-3.3-70b',
    needs: '[]',
    state: 'ready',
    attempt: 0,
    charged: 0,
    returned: 0,
    nonce: null,
    scout: null,
    instance: null,
    served: null,
    promptTokens: 0,
    completionTokens: 0,
    fault: null,
    stage: null,
    waits: null,
    terms: null,
  }
  const rest = { priority: 5, metadata: '{}', fault: null, resultNode: 'answer', budgetTokens: null, key: null }
  const intentRow = { id: intent, tenant, state: 'running' as const, ...times, ...rest }
  return [{ write: 'intent', intent: intentRow, tasks: [row], requests: [request] }]
}

function lease({ task, nonce }: Planned): StoreWrite[] {
  return [{ write: 'lease', task, attempt: 1, nonce, scout: 'a-scout', instance: 'i-1' }]
}

function settlement({ intent, task, nonce }: Planned): StoreWrite[] {
  const tokens = { promptTokens: 200, completionTokens: 400 }
  const model = 'llama-3.3-70b'
  const tenant = `key_${task % 50}`
  const booked = { tenant, key: tenant, task, scout: 'a-scout', provider: 'demo', model, atMs: wallMs }
  return [
    { write: 'settle', task, attempt: 1, nonce, result: answer, served, ...tokens },
    { write: 'usage', usage: { ...booked, ...tokens, microDollars: 320, isEstimated: false } },
    { write: 'intentEnd', intent, state: 'done', fault: null, finishedMs: wallMs + 1_000 },
    { write: 'event', event: { intent, seq: 1, type: 'done', data: '{"node":"answer"}', atMs: wallMs } },
  ]
}

/** Commits `work` for all of `planned` in batches, and prints a row of the table. */
function measure(store: Store, name: string, planned: Planned[], size: number, work: (one: Planned) => StoreWrite[]) {
  const batches: StoreWrite[][] = []
  for (let at = 0; at < planned.length; at += size) batches.push(planned.slice(at, at + size).flatMap(work))
  const tookMs: number[] = []
  const begin = performance.now()
  for (const batch of batches) {
    const start = performance.now()
    store.commit(batch)
    tookMs.push(performance.now() - start)
  }
  const seconds = (performance.now() - begin) / 1_000
  tookMs.sort((a, b) => a - b)
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))]!.toFixed(2)
  const rates = `${(batches.length / seconds).toFixed(0)} | ${(planned.length / seconds).toFixed(0)}`
  print(`| ${name} | ${size} | ${rates} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`)
}

function boot(): void {
  const writer = open()
  for (let made = 0; made < openIntents; made += 1_000) {
    writer.commit(Array.from({ length: 1_000 }, plan).flatMap(acceptance))
  }
  writer.close()
  const opening = performance.now()
  const store = open()
  const begin = performance.now()
  let intents = 0
  let tasks = 0
  for (const open of store.openIntents()) {
    intents += 1
    tasks += open.tasks.length
  }
  const tookMs = performance.now() - begin
  store.close()
  const size = (statSync(path).size / 1024 / 1024).toFixed(0)
  const read = `${intents} open intents with ${tasks} tasks read in ${tookMs.toFixed(0)} ms`
  print(`\nBoot: ${read}, file of ${size} MiB checked and opened in ${(begin - opening).toFixed(0)} ms.`)
}

/** Forgets everything that was settled, in batches as retention makes them. */
function forget(): void {
  const store = open()
  const tookMs: number[] = []
  let rows = 0
  for (let gone = 1; gone > 0; rows += gone) {
    const begin = performance.now()
    gone = store.forgetBefore(wallMs + 3_600_000, wallMs, forgetRows)
    tookMs.push(performance.now() - begin)
  }
  store.close()
  const slowest = Math.max(...tookMs).toFixed(0)
  const seconds = tookMs.reduce((sum, one) => sum + one, 0) / 1_000
  print(`Forgetting: ${(rows / seconds).toFixed(0)} rows/s, ${forgetRows} at a time, slowest batch ${slowest} ms.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  print('| batch | intents | commits/s | intents/s | p50 ms | p99 ms | max ms |')
  print('|---|--:|--:|--:|--:|--:|--:|')
  const store = open()
  for (const size of batchSizes) {
    const planned = Array.from({ length: intentsPerSize.get(size)! }, plan)
    measure(store, 'accept', planned, size, acceptance)
    measure(store, 'lease', planned, size, lease)
    measure(store, 'settle', planned, size, settlement)
  }
  store.close()
  boot()
  forget()
} finally {
  rmSync(folder, { recursive: true })
}
