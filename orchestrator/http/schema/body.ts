/**
 * Reads the body of a request: bounded, inflated if it is compressed, valid UTF-8, one JSON object of bounded shape.
 * Handlers get the bytes exactly as they were sent (those travel on to the scout) and the parsed value (for validation
 * only).
 */
import type { z } from 'zod'
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { jsonDepthMax, jsonFieldsMax, jsonNodesMax } from '../../../shared/limits/http.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { unfetchableIn } from '../../../shared/network/fetchable-url.ts'
import type { BodyFlaw } from '../body-reads.ts'
import type { RequestContext } from '../request-context.ts'
import { encodingOf, encodings, inflated } from './content-encoding.ts'
import { excessOf } from './json-bounds.ts'
import { refusal } from './validation.ts'

export interface JsonBody {
  bytes: Uint8Array<ArrayBuffer>
  value: Record<string, unknown>
}

// A byte order mark is kept, and so refused by the parser: the provider would refuse it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const tooDeep = fault('invalid_request', `The body is nested more than ${jsonDepthMax} levels deep: flatten it.`)
const unknownEncoding = fault(
  'unsupported_media_type',
  `Send the body without Content-Encoding, or in one of these: ${encodings.join(', ')}.`,
)
const damaged = fault(
  'invalid_request',
  'The body is not in the encoding that its Content-Encoding says, or it is cut short: send it again, or uncompressed.',
)
const flaws: Record<BodyFlaw, Fault> = {
  tooLarge: fault(
    'request_too_large',
    `The request body is larger than ${bodyBytesMax} bytes: shorten the prompt, or send smaller images.`,
  ),
  tooSlow: fault('request_too_slow', 'The body of the request came too slowly: send it again over a faster line.'),
  lost: fault('cancelled', 'The connection was lost before the whole body had arrived: send the request again.'),
}

/** Any JSON object. Whoever reads it so checks it, also for URLs that nobody may be made to fetch. */
export function readObject(context: RequestContext): Promise<JsonBody | Fault> {
  return readChecked(context, null)
}

/**
 * A body that the schema accepts, or what is wrong with it. `isPlain` may accept a common body in the schema's place,
 * and must accept nothing that the schema does not. Without a schema nothing is checked but the JSON itself.
 */
export async function readChecked(
  context: RequestContext,
  schema: z.ZodType | null,
  isPlain?: (value: Record<string, unknown>) => boolean,
): Promise<JsonBody | Fault> {
  const { edge, request } = context
  const { headers } = request
  const length = headers.get('content-length')
  const refused = refuseByHeaders(headers)
  if (refused !== null) return refused
  const declared = length === null ? null : Number(length)
  if (declared !== null && declared > bodyBytesMax) return flaws.tooLarge
  const hold = (more: number) => context.hold(more)
  const arrived = await edge.bodies.read(request, declared, hold)
  context.tookBody(arrived)
  if (typeof arrived === 'string') return flaws[arrived]
  if ('code' in arrived) return arrived
  const encoding = encodingOf(headers.get('content-encoding')) ?? null
  const bytes = encoding === null ? arrived : await inflated(arrived, encoding, bodyBytesMax, hold)
  if (typeof bytes === 'string') return bytes === 'damaged' ? damaged : flaws[bytes]
  if ('code' in bytes) return bytes
  const body = parseObject(bytes)
  if ('code' in body || schema === null) return body
  const flaw = isPlain?.(body.value) === true ? null : refusal(schema, body.value)
  return flaw ?? refusedUrl(context, body.value) ?? body
}

/** What is wrong with a URL in the parts of a chat request; null when nothing is. */
export function refusedUrl({ edge }: RequestContext, value: Record<string, unknown>): Fault | null {
  const url = edge.settings.allowsPrivateUrls ? null : unfetchableIn(value)
  if (url === null) return null
  return fault('invalid_request', plainMessage(`\`${url.field}\` ${url.flaw}.`), { param: plainMessage(url.field) })
}

/** Of requests that were made of the one that arrived, and are kept in its place: whether they may be so large. */
export function refusedSize(context: RequestContext, arrived: JsonBody, madeBytes: number): Fault | null {
  if (madeBytes > bodyBytesMax) return flaws.tooLarge
  const more = madeBytes - arrived.bytes.length
  return more > 0 ? context.hold(more) : null
}

function refuseByHeaders(headers: Headers): Fault | null {
  const contentType = headers.get('content-type')
  if (contentType === null || !/^application\/json *(;|$)/i.test(contentType)) {
    return fault('unsupported_media_type', 'Send the body as JSON, with the header "Content-Type: application/json".')
  }
  return encodingOf(headers.get('content-encoding')) === undefined ? unknownEncoding : null
}

function parseObject(bytes: Uint8Array<ArrayBuffer>): JsonBody | Fault {
  if (bytes.byteLength === 0) return fault('invalid_request', 'The body is empty: send a JSON object.')
  const excess = excessOf(bytes)
  if (excess === 'deep') return tooDeep
  if (excess === 'many') {
    const text = `The body has more than ${jsonNodesMax} strings, lists and objects, or far too many numbers`
    return fault('invalid_request', `${text}: send it in several requests.`)
  }
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return fault('invalid_request', 'The body is not valid UTF-8: encode the JSON as UTF-8.')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return fault('invalid_request', 'The body is not valid JSON: check its quotes, commas and braces.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fault('invalid_request', 'The body must be a JSON object, as in {"model": "auto", "messages": [...]}.')
  }
  const flaw = flawOf(value, jsonDepthMax)
  if (flaw === 'deep') return tooDeep
  if (flaw === 'wide') {
    return fault('invalid_request', `The body has an object of more than ${jsonFieldsMax} fields: use a list instead.`)
  }
  return { bytes, value: value as Record<string, unknown> }
}

/** Nested too deep, or an object with too many fields: every later step over them would be slow. */
function flawOf(value: object, levels: number): 'deep' | 'wide' | null {
  if (levels === 0) return 'deep'
  if (Array.isArray(value)) {
    for (const child of value) {
      const flaw = typeof child === 'object' && child !== null ? flawOf(child, levels - 1) : null
      if (flaw !== null) return flaw
    }
    return null
  }
  let fields = 0
  // Only own keys exist on what JSON.parse makes, and for-in spares a copy of them.
  for (const key in value) {
    if (++fields > jsonFieldsMax) return 'wide'
    const child = (value as Record<string, unknown>)[key]
    const flaw = typeof child === 'object' && child !== null ? flawOf(child, levels - 1) : null
    if (flaw !== null) return flaw
  }
  return null
}
