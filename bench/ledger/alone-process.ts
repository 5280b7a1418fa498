/**
 * The ledger alone in a process of its own: receipts are made, sealed and written to a database as in a hub, then all
 * of the chain is folded again, exported and given to the verifier as it is handed out. Prints one line of JSON.
 */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeIdentity } from '../../orchestrator/cluster/identity-file.ts'
import { Journal } from '../../orchestrator/engine/durability/journal.ts'
import { Ledger } from '../../orchestrator/engine/ledger/ledger.ts'
import { batchOf } from '../../orchestrator/engine/ledger/replay.ts'
import type { WorkDone } from '../../orchestrator/engine/ports/ledger/work.ts'
import type { Store } from '../../orchestrator/engine/ports/store.ts'
import { Projector } from '../../orchestrator/ledger/accounts/projector.ts'
import { firstLine, rulesLine, wholeBatchLine } from '../../orchestrator/ledger/receipts/export-file.ts'
import { ledgerSettings } from '../../orchestrator/ledger-settings.ts'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { batchLeavesMax } from '../../shared/limits/ledger/ledger.ts'
import { realSystem } from '../../shared/system.ts'
import { TurnLane } from '../../shared/turn-lane.ts'

export interface LedgerAlone {
  receipts: number
  /** Processor time of one receipt, all that was written for it included. */
  receiptUs: number
  /** Longest turns in which receipts were sealed and folded, and in which they were written. */
  sealMs: number
  commitMs: number
  bytesPerReceipt: number
  /** Seconds for ten million receipts. */
  replaySeconds: number
  verifiedPerSecond: number
}

const receipts = Number(process.argv[2])
const scouts = Number(process.argv[3])
const verifier = process.argv[4]!
const modelsPerScout = 5
const listed = ['llama-3.1-8b-instant', 'llama-3.3-70b-versatile', 'qwen3:8b', 'gemma3:4b', 'mistral:7b']
/** The chain is folded so often that it makes ten million receipts. */
const replayed = 10_000_000
/** The first receipts cost more: the runtime compiles. */
const warmReceipts = 50_000

const twoOwners = { ownersOf: () => 2, isOfferedBy: () => false, models: () => [] }
const system = realSystem()
const folderPath = mkdtempSync(join(tmpdir(), 'chasm-bench-ledger-'))

function cpuMs(): number {
  const { user, system: inKernel } = process.cpuUsage()
  return (user + inKernel) / 1_000
}

function workOf(task: number): WorkDone {
  const scout = (task * 7_919) % scouts
  const served = { scout: `key_${scout}/scout`, provider: 'bench', model: listed[task % modelsPerScout]! }
  const digest = new Uint8Array(32).fill(task % 251)
  const texts = [{ choice: 0, part: 'content', place: 0, length: 160, digest }] as const
  return {
    ...{ task: 2 ** 32 + task, attempt: 1, kind: 'chat', served, tenant: `key_${task % 97}`, asker: '' },
    request: { digest, textBytes: 400, media: 0, textsHash: task, answerUnitsMax: null },
    answer: { texts, textBytes: 160 },
    ...{ isDirected: false, isLoop: false, isPartial: false, isContinued: false, signed: null },
  }
}

/** Makes all receipts, as many in each turn as a full batch has; what that took. */
async function make(ledger: Ledger, journal: Journal) {
  let beganMs = cpuMs()
  for (let task = 1; task <= receipts; task++) {
    if (task === warmReceipts) beganMs = cpuMs()
    ledger.worked(workOf(task))
    if (task % batchLeavesMax !== 0) continue
    await new Promise((resolve) => setImmediate(resolve))
    while (journal.busy) await new Promise((resolve) => setImmediate(resolve))
  }
  ledger.stop()
  journal.flush()
  return ((cpuMs() - beganMs) * 1_000) / (receipts - warmReceipts)
}

function replaySeconds(store: Store): number {
  const beganMs = performance.now()
  for (let folded = 0; folded < replayed; folded += receipts) {
    const projector = new Projector()
    const next = () => store.batchesAfter(projector.end.seq, 64)
    for (let rows = next(); rows.length > 0; rows = next()) for (const row of rows) projector.fold(batchOf(row))
  }
  return ((performance.now() - beganMs) / 1_000) * (replayed / (Math.ceil(replayed / receipts) * receipts))
}

function verifiedPerSecond(ledger: Ledger, rules: string): number {
  const path = join(folderPath, 'ledger.jsonl')
  const file = openSync(path, 'w')
  writeSync(file, firstLine(ledger.hub) + rulesLine(rules))
  for (let seq = 0; seq < ledger.lastSeq(); ) {
    const batches = ledger.batchesAfter(seq, 64)
    for (const batch of batches) writeSync(file, wholeBatchLine(batch))
    seq = batches.at(-1)!.seq
  }
  closeSync(file)
  const beganMs = performance.now()
  const { exitCode, stderr } = Bun.spawnSync(['node', verifier, path, '--hub', ledger.hub])
  if (exitCode !== 0) throw new Error(`the verifier ends with ${exitCode}: ${stderr.toString()}`)
  return receipts / ((performance.now() - beganMs) / 1_000)
}

async function main(): Promise<LedgerAlone> {
  const folder = openDataFolder(folderPath, 'hub', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  const { store, pepper } = folder
  const identity = makeIdentity(folderPath, system.randomBytes(32))
  const settings =
    'flaw' in identity ? identity : ledgerSettings({ dataDir: folderPath, points: 'show', identity, store, pepper })
  if ('flaw' in settings) throw new Error(settings.flaw)
  const longest = { seal: 0, commit: 0 }
  let isWarm = false
  const timed = (turn: keyof typeof longest) => (work: () => void) => {
    const beganMs = performance.now()
    work()
    if (isWarm) longest[turn] = Math.max(longest[turn], performance.now() - beganMs)
  }
  const journal = new Journal(store, system, () => {}, timed('commit'))
  const parts = { system, store, journal, lane: new TurnLane(system), contain: timed('seal'), market: twoOwners }
  const ledger = new Ledger({ ...settings, ...parts })
  ledger.start()
  setTimeout(() => (isWarm = true), 1_000)
  const receiptUs = await make(ledger, journal)
  const found = { receipts, receiptUs, sealMs: longest.seal, commitMs: longest.commit }
  const perSecond = verifiedPerSecond(ledger, settings.rules.text)
  const replay = replaySeconds(store)
  folder.close()
  const bytesPerReceipt = statSync(join(folderPath, 'chasm.db')).size / receipts
  return { ...found, bytesPerReceipt, replaySeconds: replay, verifiedPerSecond: perSecond }
}

try {
  process.stdout.write(`${JSON.stringify(await main())}\n`)
} finally {
  rmSync(folderPath, { recursive: true, force: true })
}
process.exit(0)
