/**
 * The client's request as a service is to see it. Everything is forwarded but what is Chasm's own; what the hub decided
 * (model, streaming) and the fields that the operator sets take its place.
 */
import { fault } from '../../../shared/faults.ts'
import { parseExactly } from '../../../shared/json/exact-json.ts'
import { JsonSkeleton } from '../../../shared/json/json-skeleton.ts'
import { longValueBytes, wholeRequestBytesMax } from '../../../shared/limits/provider.ts'
import { unfetchableIn } from '../../../shared/network/fetchable-url.ts'
import { rowOf, type Service } from '../dialects.ts'
import { ProviderError, type ProviderRequest } from '../provider.ts'
import { isObject, type Json } from '../transport/json-object.ts'
import { RequestContent } from '../transport/request-content.ts'

/** What the hub has read and done; of a service that knows such fields they are not asked a second time. */
const hubFields = ['chasm', 'models', 'provider']

/** What a request may do without, for servers that refuse what they do not know. */
export type Addition = 'stream_options' | 'encoding_format'

export interface ServiceRequest {
  /** What is sent. */
  content: RequestContent
  /** The same to be read; of a large request without its long values. */
  body: Json
  /** The fields of it that are neither the client's nor the operator's. */
  added: Addition[]
  /** Whether it goes on with a begun answer, by marks that are the hub's. */
  marked: boolean
}

/**
 * `model` is the service's own name for it; of what would be added, `refused` is left out. Throws a ProviderError when
 * the request is none.
 */
export function readBody(
  request: ProviderRequest,
  model: string,
  { name, continuation, extras, privateUrls = false }: Service,
  refused: ReadonlySet<Addition>,
): ServiceRequest {
  const isWhole = request.body.length <= wholeRequestBytesMax
  const skeleton = new JsonSkeleton(request.body, isWhole ? Number.POSITIVE_INFINITY : longValueBytes)
  const body = parseBody(skeleton.text)
  const found = privateUrls ? null : unfetchable(body, skeleton)
  if (found !== null) {
    throw new ProviderError(fault('invalid_request', `${found.field} ${found.flaw}`, { param: found.field }))
  }
  for (const field of hubFields) delete body[field]
  body.model = model
  putInWordsOf(name, body)
  for (const [field, value] of Object.entries(extras)) {
    const theirs = body[field]
    body[field] = isObject(theirs) && isObject(value) ? { ...theirs, ...value } : value
  }
  if (isContinued(body) && continuation !== 'marked') {
    if (continuation === 'none') {
      throw new ProviderError(fault('cannot_continue', `${name} can only begin an answer anew`))
    }
    leaveOutMarks(body)
  }
  const marked = continuation === 'marked' && isContinued(body)
  const added = add(body, request, refused)
  const content = new RequestContent(skeleton.piecesOf(JSON.stringify(body)))
  return { content, body, added, marked }
}

/** What is said in other words there, and advice that it would refuse. */
function putInWordsOf(name: Service['name'], body: Json): void {
  const { tokensField, unknownHints } = rowOf(name)
  const { max_completion_tokens: newer = null, max_tokens: older = null } = body
  if (tokensField === 'max_tokens' && newer !== null && older === null) {
    body.max_tokens = newer
    delete body.max_completion_tokens
  }
  for (const field of unknownHints) delete body[field]
}

function add(body: Json, { kind, stream }: ProviderRequest, refused: ReadonlySet<Addition>): Addition[] {
  if (kind === 'embed') {
    if (body.encoding_format !== undefined || refused.has('encoding_format')) return []
    // Some servers return base64 when nothing is said.
    body.encoding_format = 'float'
    return ['encoding_format']
  }
  body.stream = stream
  const rest: Json = isObject(body.stream_options) ? { ...body.stream_options } : {}
  delete rest.include_usage
  const isOurs = stream && !refused.has('stream_options')
  // Set in its place, so that the fields of a request keep their order.
  if (isOurs) body.stream_options = { ...rest, include_usage: true }
  else if (stream && Object.keys(rest).length > 0) body.stream_options = rest
  else delete body.stream_options
  return isOurs ? ['stream_options'] : []
}

function parseBody(json: string): Json {
  let body: unknown
  try {
    body = parseExactly(json)
  } catch {
    body = null
  }
  if (!isObject(body)) throw noJson()
  return body
}

function unfetchable(body: Json, skeleton: JsonSkeleton) {
  try {
    return unfetchableIn(body, (text) => skeleton.beginningOf(text))
  } catch {
    throw noJson()
  }
}

function noJson(): ProviderError {
  return new ProviderError(fault('invalid_request', 'the request body must be a JSON object'))
}

/** Whether a begun answer is to be continued: the hub marks the request for the services that need a mark. */
function isContinued(body: Json): boolean {
  const last: unknown = Array.isArray(body.messages) ? body.messages.at(-1) : null
  return body.continue_final_message === true && isObject(last) && last.prefix === true
}

function leaveOutMarks(body: Json): void {
  delete body.continue_final_message
  delete body.add_generation_prompt
  delete (body.messages as Json[]).at(-1)!.prefix
}
