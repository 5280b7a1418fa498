/**
 * Which answer a client means, whether it may be disputed, and its texts. Of a request that waited the client shows
 * them, and the receipt says whether they are right; those of a durable node are in the store. Only reads.
 */
import type { Fault } from '../../../../shared/faults.ts'
import {
  disputedAnswerBytesMax,
  disputedRequestBytesMax,
  disputeWindowMs,
} from '../../../../shared/limits/trust/disputes.ts'
import { operatorOf } from '../../../../shared/scouts/scout-id.ts'
import type { Served } from '../../../../shared/task.ts'
import type { LedgerReport } from '../../../engine/ports/ledger/ledger.ts'
import type { IntentStore } from '../../../engine/ports/store.ts'
import type { Disputed, Filing } from '../../../engine/ports/trust/disputes.ts'
import type { Filed } from '../../disputes/dispute.ts'
import type { DisputeTexts } from '../../disputes/texts.ts'
import * as refusals from './refusals.ts'

/** An answer that may be disputed. */
export interface Disputable extends Pick<Filed, 'task' | 'scout' | 'operator' | 'model' | 'answeredMs'> {
  points: number
  texts: DisputeTexts
}

interface Sources {
  store: Pick<IntentStore, 'intent' | 'tasksOf' | 'request' | 'result'>
  /** Null in a hub that gives no receipts. */
  ledger: LedgerReport | null
}

export function disputable(sources: Sources, { tenant, about }: Filing, nowMs: number): Disputable | Fault {
  const answer = about.type === 'task' ? ofTask(sources, tenant, about) : ofNode(sources, tenant, about)
  if ('code' in answer) return answer
  if (answer.operator === tenant) return refusals.own
  if (nowMs - answer.answeredMs > disputeWindowMs) return refusals.tooLate
  return answer
}

/** The receipt says whose it is, and whether these are its texts. */
function ofTask({ ledger }: Sources, tenant: string, about: Extract<Disputed, { type: 'task' }>): Disputable | Fault {
  const witness = ledger?.witness
  if (witness === undefined) return refusals.noReceipts
  const { task, request, answer } = about
  const found = witness.attested(task, tenant)
  if (found === undefined) return refusals.noAnswer
  const { kind, scout, model, atMs, points, isPartial, isContinued } = found
  if (kind !== 'chat') return refusals.notChat
  if (isPartial) return refusals.partial
  if (isContinued) return refusals.continued
  if (request.length > disputedRequestBytesMax || answer.length > disputedAnswerBytesMax) return refusals.tooLarge
  const misfit = witness.misfit(task, { request, answer })
  if (misfit !== null) return refusals.mismatch[misfit]
  const who = { task, scout, operator: operatorOf(scout), model }
  return textual({ ...who, answeredMs: atMs, points, texts: textsOf(request, answer) })
}

/** The store has the texts, as long as it keeps the intent. */
function ofNode(
  { store, ledger }: Sources,
  tenant: string,
  { intent, node }: Extract<Disputed, { type: 'node' }>,
): Disputable | Fault {
  const row = store.intent(intent)
  if (row === undefined || row.tenant !== tenant) return refusals.noAnswer
  const task = store.tasksOf(intent).find((one) => one.node === (node ?? row.resultNode))
  if (task === undefined || task.state !== 'done' || task.served === null) return refusals.noAnswer
  if (task.kind !== 'chat') return refusals.notChat
  const request = store.request(task.task)
  const answer = store.result(task.task)
  if (request === undefined || answer === undefined) return refusals.noAnswer
  if (task.needs !== '[]' || task.stage !== null || isTemplate(task.terms)) return refusals.made
  if (request.length > disputedRequestBytesMax || answer.length > disputedAnswerBytesMax) return refusals.tooLarge
  const { scout, model } = JSON.parse(task.served) as Served
  const receipt = ledger?.witness.attested(task.task, tenant)
  // Without a receipt it was given when its intent was over, at the latest.
  const answeredMs = receipt?.atMs ?? row.finishedMs ?? row.createdMs
  const who = { task: task.task, scout, operator: operatorOf(scout), model }
  return textual({ ...who, answeredMs, points: receipt?.points ?? 0, texts: textsOf(request, answer) })
}

function textsOf(request: Uint8Array, answer: Uint8Array): DisputeTexts {
  return { request: plain(request), answer: plain(answer), reruns: [] }
}

function plain(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

function isTemplate(terms: string | null): boolean {
  return terms !== null && (JSON.parse(terms) as { isTemplate?: unknown }).isTemplate === true
}

/** Scouts that answer again are asked for a text, and judges compare texts. */
function textual(answer: Disputable): Disputable | Fault {
  const { choices } = JSON.parse(answer.texts.answer) as { choices?: { message?: { tool_calls?: unknown } }[] }
  const calls = choices?.[0]?.message?.tool_calls
  return Array.isArray(calls) && calls.length > 0 ? refusals.noText : answer
}
