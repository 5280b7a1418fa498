/**
 * A response that is kept, with the request that it answered: what its row holds, and for one that an intent makes,
 * what the intent has come to. Written when a response is answered, or accepted; read by whoever fetches it or goes on
 * after it.
 */
import type { Viewer } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import type { ResponseFields } from '../schema/response-request.ts'
import { durableResponse, echoIn, isResponse } from './durable-view.ts'
import { intentOf } from './items/item-ids.ts'
import { type Echo, echoOf } from './items/response-object.ts'

type Json = Record<string, unknown>

/** What is kept of a request, as JSON. */
interface KeptRequest {
  /** Fields that its response repeats. */
  echo: Echo
  /** Its own input, without what came before. */
  input: Json[]
}

export interface KeptTurn extends KeptRequest {
  id: string
  tenant: string
  answer: Json
  previous: string | null
  isRunning: boolean
  /** The intent that makes it; null when it was made for a client who waited. */
  intent: string | null
  bytes: number
}

export function keptRequest(fields: ResponseFields, input: Json[]): Buffer {
  return Buffer.from(JSON.stringify({ echo: echoOf(fields), input } satisfies KeptRequest))
}

/** Null when there is no such response, or it is no longer kept. */
export function keptTurn(
  context: RequestContext,
  id: string,
  viewer: Viewer = context.caller!.tenant,
): KeptTurn | null {
  if (!id.startsWith('resp_')) return null
  const { edge } = context
  const kept = edge.engine.responses.find(id, viewer)
  if (kept?.request.length === 0) return null
  const request = kept === undefined ? null : read<KeptRequest>(kept.request)
  const bytes = (kept?.request.length ?? 0) + (kept?.answer?.length ?? 0)
  if (kept?.answer) return turnOf({ id, tenant: kept.tenant }, request!, read<Json>(kept.answer), null, bytes)
  const view = edge.intents.intent(intentOf(id), viewer)
  if (view === undefined || !isResponse(view)) return null
  const asked = request ?? { echo: echoIn(view), input: [] }
  return turnOf({ id, tenant: view.tenant }, asked, durableResponse(context, view, asked.echo), view.id, bytes)
}

type Whose = Pick<KeptTurn, 'id' | 'tenant'>

function turnOf(whose: Whose, asked: KeptRequest, answer: Json, intent: string | null, bytes: number): KeptTurn {
  const previous = (asked.echo.previous_response_id ?? null) as string | null
  const isRunning = answer.status === 'in_progress' || answer.status === 'queued'
  return { ...asked, ...whose, answer, previous, isRunning, intent, bytes }
}

function read<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as T
}
