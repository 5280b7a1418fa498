/**
 * Reads the body of a request: bounded, inflated if it is compressed, valid UTF-8, one JSON object of bounded shape.
 * Handlers get the bytes exactly as they were sent (those travel on to the scout) and the parsed value (for validation
 * only).
 */
import type { z } from 'zod'
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { jsonDepthMax, jsonFieldsMax, jsonNodesMax, largeBodyBytes } from '../../../shared/limits/http.ts'
import { smallBodyBytesMax } from '../../../shared/limits/keys.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { unfetchableIn } from '../../../shared/network/fetchable-url.ts'
import type { BodyFlaw } from '../body-reads.ts'
import type { RequestContext } from '../request-context.ts'
import { type Excess, JsonMeasure } from './bounds/json-bounds.ts'
import { lengthFault } from './bounds/list-bounds.ts'
import { encodingOf, encodings, inflated } from './content-encoding.ts'
import { refusal } from './validation.ts'

export interface JsonBody {
  bytes: Uint8Array<ArrayBuffer>
  value: Record<string, unknown>
}

// A byte order mark is kept, and so refused by the parser: the provider would refuse it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const tooDeep = fault('invalid_request', `The body is nested more than ${jsonDepthMax} levels deep: flatten it.`)
const tooMany = fault(
  'invalid_request',
  `The body has more than ${jsonNodesMax} strings, lists and objects, or far too many numbers: ` +
    'send it in several requests.',
)
const unknownEncoding = fault(
  'unsupported_media_type',
  `Send the body without Content-Encoding, or in one of these: ${encodings.join(', ')}.`,
)
const damaged = fault(
  'invalid_request',
  'The body is not in the encoding that its Content-Encoding says, or it is cut short: send it again, or uncompressed.',
)
const flaws: Record<Exclude<BodyFlaw, 'tooLarge'>, Fault> = {
  tooSlow: fault('request_too_slow', 'The body of the request came too slowly: send it again over a faster line.'),
  lost: fault('cancelled', 'The connection was lost before the whole body had arrived: send the request again.'),
}

/** May accept a common body in the schema's place, and must accept nothing that the schema does not. */
type PlainCheck = (value: Record<string, unknown>) => boolean

/** The body of an interactive request: one that the schema accepts, or what is wrong with it. */
export function readChecked(
  context: RequestContext,
  schema: z.ZodType,
  isPlain?: PlainCheck,
): Promise<JsonBody | Fault> {
  return read(context, schema, 'interactive', isPlain)
}

/** Any JSON object. Whoever reads it so checks it, also for URLs that nobody may be made to fetch. */
export function readObject(context: RequestContext): Promise<JsonBody | Fault> {
  return read(context, null, 'interactive')
}

/** The body of a request that is stored, which may be as large as what the store and every scout takes. */
export function readDurable(context: RequestContext, schema: z.ZodType): Promise<JsonBody | Fault> {
  return read(context, schema, 'stored')
}

/** The body of a request of somebody who may not be known yet. */
export function readSmall(context: RequestContext, schema: z.ZodType): Promise<JsonBody | Fault> {
  return read(context, schema, 'small')
}

/** What is wrong with storing this body, for a route that learns from it whether it is stored; else null. */
export function storingFlaw({ bytes }: JsonBody): Fault | null {
  return bytes.length > bodyBytesMax ? tooLarge(bodyBytesMax, 'stored') : null
}

/** What a body is of, which decides how large it may be. */
type BodyUse = 'interactive' | 'stored' | 'small'

const tooLargeAdvice: Record<BodyUse, string> = {
  interactive: 'this orchestrator takes: send less, or have its operator raise REQUEST_MAX_MIB.',
  stored: 'a stored request may have: shorten it, or send large images in a chat of a plain model.',
  small: 'this path takes: send less.',
}

function tooLarge(bytesMax: number, use: BodyUse): Fault {
  const text = `The request body is larger than ${bytesMax} bytes, the most that ${tooLargeAdvice[use]}`
  return fault('request_too_large', text)
}

/**
 * A large body takes two turns of the loop for itself, one to be parsed and one to be checked, so that many that arrive
 * at once do not share one. Without a schema nothing is checked but the JSON itself and the lengths of its lists.
 */
async function read(
  context: RequestContext,
  schema: z.ZodType | null,
  use: BodyUse,
  isPlain?: PlainCheck,
): Promise<JsonBody | Fault> {
  const { edge, request } = context
  const { headers } = request
  const length = headers.get('content-length')
  const refused = refuseByHeaders(headers)
  if (refused !== null) return refused
  const declared = length === null ? null : Number(length)
  const bytesMax = { interactive: edge.settings.requestBytesMax, stored: bodyBytesMax, small: smallBodyBytesMax }[use]
  if (declared !== null && declared > bytesMax) return tooLarge(bytesMax, use)
  const hold = (more: number) => context.hold(more)
  const encoding = encodingOf(headers.get('content-encoding')) ?? null
  const measure = new JsonMeasure()
  const arriving = encoding === null ? (piece: Uint8Array) => excessFault(measure.add(piece)) : undefined
  const arrived = await edge.bodies.read(request, declared, bytesMax, hold, arriving)
  context.tookBody(arrived)
  if (typeof arrived === 'string') return arrived === 'tooLarge' ? tooLarge(bytesMax, use) : flaws[arrived]
  if ('code' in arrived) return arrived
  const bytes = encoding === null ? arrived : await inflated(arrived, encoding, bytesMax, hold)
  if (bytes === 'tooLarge') return tooLarge(bytesMax, use)
  if (bytes === 'damaged') return damaged
  if ('code' in bytes) return bytes
  const isLarge = bytes.length > largeBodyBytes
  if (isLarge) await edge.lane.turn()
  const excess = encoding === null ? null : excessFault(measure.add(bytes))
  if (excess !== null) return excess
  const body = parseObject(bytes)
  if ('code' in body) return body
  if (isLarge) await edge.lane.turn()
  const tooLong = lengthFault(body.value)
  if (tooLong !== null || schema === null) return tooLong ?? body
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
  const { requestBytesMax } = context.edge.settings
  if (madeBytes > requestBytesMax) return tooLarge(requestBytesMax, 'interactive')
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

function excessFault(excess: Excess | null): Fault | null {
  if (excess === null) return null
  return excess === 'deep' ? tooDeep : tooMany
}

function parseObject(bytes: Uint8Array<ArrayBuffer>): JsonBody | Fault {
  if (bytes.byteLength === 0) return fault('invalid_request', 'The body is empty: send a JSON object.')
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
