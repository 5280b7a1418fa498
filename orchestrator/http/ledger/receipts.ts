/**
 * Receipts over HTTP: one with what proves it, and the chain as lines that the verifier reads. Whoever asks gets every
 * head, because a chain with gaps proves nothing, and of the leaves those that are its own: of its scouts, and of its
 * requests. Administrators get all of them.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { batchesPerPage } from '../../../shared/limits/ledger/ledger.ts'
import type { LedgerReport } from '../../engine/ports/ledger/ledger.ts'
import { sharedTaskIn } from '../../ledger/network/shared-task.ts'
import { zeroReasons } from '../../ledger/points/zero-rules.ts'
import { type Batch, readHead } from '../../ledger/receipts/chain.ts'
import { firstLine, partBatchLine, rulesLine, wholeBatchLine } from '../../ledger/receipts/export-file.ts'
import { isReceipt, type Receipt, readReceipt } from '../../ledger/receipts/receipt.ts'
import { receiptTableHead, receiptTableLine } from '../../ledger/receipts/receipt-table.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { ledgerOf, numberAsked, wrong } from './ledger-of.ts'
import { reasonSentence } from './reasons.ts'

const unknownReceipt = fault('not_found', 'There is no receipt of this task, or it is not yours.', { param: 'id' })

export function getReceipt(context: RequestContext): Response {
  const { id, params, caller } = context
  const ledger = ledgerOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const task = taskIn(params.id)
  if (task === null) return refuse(id, wrong('id', 'must be the id of an answer, or the number of a task'))
  const found = ledger.receipt(task, caller!.role === 'admin' ? null : caller!.tenant)
  if (found === undefined) return refuse(id, unknownReceipt)
  if (found === 'waiting') return jsonResponse(id, JSON.stringify({ object: 'receipt', task, sealed: false }), 202)
  const { index, path } = found
  const bytes = { receipt: base64(found.receipt), salt: base64(found.salt), path: path.map(base64) }
  const head = { head: base64(found.head), signature: base64(found.signature) }
  const says = saidBy(readReceipt(found.receipt))
  const proof = { object: 'receipt', task, sealed: true, hub: ledger.hub, says, index, ...bytes, ...head }
  return jsonResponse(id, JSON.stringify(proof))
}

/** What a receipt says, for people; what proves it are its bytes. */
function saidBy(receipt: Receipt) {
  const { atS, scout, kind, model, provider, promptUnits, answerUnits, points, flags } = receipt
  const countersigned = receipt.countersignature !== null
  const reasons = zeroReasons(flags)
  const why = reasons.map(reasonSentence)
  const units = { prompt_units: promptUnits, answer_units: answerUnits }
  const hubs = { asker: named(sharedTaskIn(receipt.asker)?.asker), home: named(receipt.home) }
  const what = { at: atS, scout, kind, model, provider, ...hubs, ...units }
  return { ...what, points, reasons, why, countersigned }
}

/** Of another hub; null for this one. */
function named(hub = ''): string | null {
  return hub === '' ? null : hub
}

/** From `chatcmpl-…`, `cmpl-…`, `msg_…` or `embd-…`, whose ends are numbers of tasks; or such a number. */
export function taskIn(text: string): number | null {
  const [, code] = /^(?:(?:chatcmpl|cmpl|embd)-|msg_)([0-9a-z]{1,11})$/.exec(text) ?? []
  const task = code === undefined ? (/^\d{1,16}$/.test(text) ? Number(text) : Number.NaN) : Number.parseInt(code, 36)
  return Number.isSafeInteger(task) ? task : null
}

export function exportReceipts(context: RequestContext): Promise<Response> | Response {
  const { id, caller, query } = context
  const owner = caller!.role === 'admin' ? null : caller!.tenant
  const format = query.get('format') ?? 'jsonl'
  if (format === 'csv') return pageOfTable(context, owner)
  if (format !== 'jsonl') return refuse(id, wrong('format', 'must be jsonl or csv'))
  return pageOfLines(context, (ledger) => (batch) => {
    if (owner === null) return wholeBatchLine(batch)
    const own = [...batch.leaves.keys()].filter((place) => ledger.concerns(batch.leaves[place]!, owner))
    return partBatchLine(batch, own)
  })
}

/** For anybody who wants to hold the hub to its story. */
export function exportHeads(context: RequestContext): Promise<Response> | Response {
  return pageOfLines(context, () => (batch) => partBatchLine(batch, []))
}

/** For people: it proves nothing. */
function pageOfTable(context: RequestContext, owner: string | null): Promise<Response> | Response {
  const { id, query } = context
  const ledger = ledgerOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const after = startOf(query)
  if (typeof after !== 'number') return refuse(id, after)
  const isMeant = (leaf: Uint8Array) => isReceipt(leaf) && (owner === null || ledger.concerns(leaf, owner))
  const head = query.has('after') ? '' : receiptTableHead
  return batchesAfter(context, { ledger, after, head, type: 'text/csv; charset=utf-8' }, ({ leaves }) => {
    return leaves
      .filter(isMeant)
      .map((leaf) => receiptTableLine(readReceipt(leaf)))
      .join('')
  })
}

type LineMaker = (ledger: LedgerReport) => (batch: Batch) => string

function pageOfLines(context: RequestContext, lineOf: LineMaker): Promise<Response> | Response {
  const { id, query } = context
  const ledger = ledgerOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const after = startOf(query)
  return typeof after === 'number' ? linesAfter(context, ledger, after, lineOf(ledger)) : refuse(id, after)
}

/** Lines that go on behind batch `after`, or a file that begins with batch `from`. */
function startOf(query: URLSearchParams): number | Fault {
  const from = numberAsked(query, 'from', 1)
  if (typeof from !== 'number') return from
  return numberAsked(query, 'after', Math.max(0, from - 1))
}

function linesAfter(
  context: RequestContext,
  ledger: LedgerReport,
  after: number,
  lineOf: (batch: Batch) => string,
): Promise<Response> {
  let rules = ''
  const head = context.query.has('after') ? '' : firstLine(ledger.hub)
  return batchesAfter(context, { ledger, after, head, type: 'application/jsonl' }, (batch) => {
    const { rulesHash } = readHead(batch.head)!
    const hash = Buffer.from(rulesHash).toString('hex')
    const isNew = hash !== rules
    rules = hash
    return (isNew ? rulesLine(ledger.rulesText(rulesHash) ?? '') : '') + lineOf(batch)
  })
}

interface Page {
  ledger: LedgerReport
  after: number
  /** Before the first batch. */
  head: string
  /** Its content type. */
  type: string
}

/** The next batches, each as a text; where there are more, the header says behind which they are. */
async function batchesAfter(
  { id, edge }: RequestContext,
  { ledger, after, head, type }: Page,
  textOf: (batch: Batch) => string,
): Promise<Response> {
  const texts = [head]
  let last = after
  for (const batch of ledger.batchesAfter(after, batchesPerPage)) {
    texts.push(textOf(batch))
    last = batch.seq
    // Each has a turn of its own: hundreds of receipts are written in one.
    await edge.lane.turn()
  }
  const next: Record<string, string> = last < ledger.lastSeq() && last > after ? { 'x-next': String(last) } : {}
  return jsonResponse(id, texts.join(''), 200, { 'content-type': type, ...next })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
