/**
 * Reads the body of a request: bounded, inflated if it is compressed, valid UTF-8, one JSON object of bounded shape.
 * Handlers get the bytes exactly as they were sent (those travel on to the scout) and the parsed value (for validation
 * only).
 */
import type { z } from 'zod'
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { parseInSlices } from '../../../shared/json/sliced-parse.ts'
import { jsonDepthMax, jsonFieldsMax, jsonNodesMax, largeBodyBytes } from '../../../shared/limits/http.ts'
import { smallBodyBytesMax } from '../../../shared/limits/keys.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { type UnfetchableUrl, unfetchableIn, unfetchableInSteps } from '../../../shared/network/fetchable-url.ts'
import type { BodyFlaw } from '../body-reads.ts'
import type { RequestContext } from '../request-context.ts'
import { type Excess, JsonMeasure } from './bounds/json-bounds.ts'
import { lengthFault } from './bounds/list-bounds.ts'
import { encodingOf, encodings, inflated } from './content-encoding.ts'
import { refusal, refusalInSteps } from './validation.ts'

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
const notNamedJson = fault(
  'unsupported_media_type',
  'Send the body as JSON, with the header "Content-Type: application/json".',
)
const tooWide = fault(
  'invalid_request',
  `The body has an object of more than ${jsonFieldsMax} fields: use a list instead.`,
)
const notText = fault('invalid_request', 'The body is not valid UTF-8: encode the JSON as UTF-8.')
const notJson = fault('invalid_request', 'The body is not valid JSON: check its quotes, commas and braces.')
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
  return read(context, schema, isPlain === undefined ? {} : { isPlain })
}

/** One that will be translated. Whoever reads it so looks for URLs that must not be fetched in what is made of it. */
export function readForTranslation(context: RequestContext, schema: z.ZodType): Promise<JsonBody | Fault> {
  return read(context, schema, { isTranslated: true })
}

/** The body of a request that is stored, which may be as large as what the store and every scout takes. */
export function readDurable(context: RequestContext, schema: z.ZodType): Promise<JsonBody | Fault> {
  return read(context, schema, { use: 'stored' })
}

/** The body of a request of somebody who may not be known yet. */
export function readSmall(context: RequestContext, schema: z.ZodType): Promise<JsonBody | Fault> {
  return read(context, schema, { use: 'small' })
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

interface ReadOptions {
  /** Interactive when absent. */
  use?: BodyUse
  /** Its URLs are not looked at. */
  isTranslated?: boolean
  isPlain?: PlainCheck
}

/**
 * A large body is parsed and checked in steps of which each has a turn of the loop, and what comes after that begins in
 * one of its own.
 */
async function read(context: RequestContext, schema: z.ZodType, options: ReadOptions): Promise<JsonBody | Fault> {
  const bytes = await bytesOf(context, options.use ?? 'interactive')
  if ('code' in bytes) return bytes
  if (bytes.length > largeBodyBytes) {
    const { lane } = context.edge
    const body = await lane.whole(readInSteps(context, bytes, schema, options))
    await lane.turn()
    return body
  }
  const body = parseObject(bytes)
  if ('code' in body) return body
  const { value } = body
  const { isPlain, isTranslated } = options
  const flaw = lengthFault(value) ?? (isPlain?.(value) === true ? null : refusal(schema, value))
  return flaw ?? (isTranslated === true ? null : refusedUrl(context, value)) ?? body
}

/** The body as it was meant before it was compressed, of bounded shape if it is JSON; or why there is none. */
async function bytesOf(context: RequestContext, use: BodyUse): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const { edge, request } = context
  const { headers } = request
  const length = headers.get('content-length')
  if (!isJson(headers)) return notNamedJson
  const encoding = encodingOf(headers.get('content-encoding'))
  if (encoding === undefined) return unknownEncoding
  const declared = length === null ? null : Number(length)
  const bytesMax = { interactive: edge.settings.requestBytesMax, stored: bodyBytesMax, small: smallBodyBytesMax }[use]
  if (declared !== null && declared > bytesMax) return tooLarge(bytesMax, use)
  const hold = (more: number) => context.hold(more)
  // Made for the first piece of a body that comes in pieces, which most do not.
  let measure: JsonMeasure | null = null
  const arriving = (piece: Uint8Array) => {
    if (encoding !== null) return null
    measure ??= new JsonMeasure()
    return excessFault(measure.add(piece))
  }
  const arrived = await edge.bodies.read(request, declared, bytesMax, hold, arriving)
  context.tookBody(arrived)
  if (typeof arrived === 'string') return arrived === 'tooLarge' ? tooLarge(bytesMax, use) : flaws[arrived]
  if ('code' in arrived || encoding === null) return arrived
  const bytes = await inflated(arrived, encoding, bytesMax, hold)
  if (bytes === 'tooLarge') return tooLarge(bytesMax, use)
  if (bytes === 'damaged') return damaged
  if ('code' in bytes) return bytes
  return (await edge.lane.whole(measuring(bytes))) ?? bytes
}

function* measuring(bytes: Uint8Array): Generator<void, Fault | null> {
  const measure = new JsonMeasure()
  for (let from = 0; from < bytes.length; from += largeBodyBytes) {
    const excess = measure.add(bytes.subarray(from, from + largeBodyBytes))
    if (excess !== null) return excessFault(excess)
    yield
  }
  return null
}

/** What has been measured is neither too deep nor too wide. */
function* readInSteps(
  context: RequestContext,
  bytes: Uint8Array<ArrayBuffer>,
  schema: z.ZodType,
  { isPlain, isTranslated }: ReadOptions,
): Generator<void, JsonBody | Fault> {
  let parsed: unknown
  try {
    parsed = yield* parseInSlices(bytes)
  } catch (error) {
    return error instanceof SyntaxError ? notJson : notText
  }
  const body = bodyOf(bytes, parsed)
  if ('code' in body) return body
  const { value } = body
  const tooLong = lengthFault(value)
  if (tooLong !== null) return tooLong
  yield
  const flaw = isPlain?.(value) === true ? null : yield* refusalInSteps(schema, value)
  if (flaw !== null) return flaw
  yield
  const looksForUrls = isTranslated !== true && !context.edge.settings.allowsPrivateUrls
  const url = looksForUrls ? yield* unfetchableInSteps(value) : null
  return url === null ? body : urlFault(url)
}

/** What is wrong with a URL in the parts of a chat request; null when nothing is. */
export function refusedUrl({ edge }: RequestContext, value: Record<string, unknown>): Fault | null {
  const url = edge.settings.allowsPrivateUrls ? null : unfetchableIn(value)
  return url === null ? null : urlFault(url)
}

function urlFault({ field, flaw }: UnfetchableUrl): Fault {
  return fault('invalid_request', plainMessage(`\`${field}\` ${flaw}.`), { param: plainMessage(field) })
}

/** Of requests that were made of the one that arrived, and are kept in its place: whether they may be so large. */
export function refusedSize(context: RequestContext, arrived: JsonBody, madeBytes: number): Fault | null {
  const { requestBytesMax } = context.edge.settings
  if (madeBytes > requestBytesMax) return tooLarge(requestBytesMax, 'interactive')
  const more = madeBytes - arrived.bytes.length
  return more > 0 ? context.hold(more) : null
}

/** Whether a request says that its body is JSON. */
export function isJson(headers: Headers): boolean {
  const contentType = headers.get('content-type')
  return contentType !== null && /^application\/json *(;|$)/i.test(contentType)
}

function excessFault(excess: Excess | null): Fault | null {
  if (excess === null) return null
  if (excess === 'wide') return tooWide
  return excess === 'deep' ? tooDeep : tooMany
}

function parseObject(bytes: Uint8Array<ArrayBuffer>): JsonBody | Fault {
  if (bytes.byteLength === 0) return fault('invalid_request', 'The body is empty: send a JSON object.')
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return notText
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return notJson
  }
  const body = bodyOf(bytes, parsed)
  return 'code' in body ? body : (excessFault(flawOf(body.value, jsonDepthMax)) ?? body)
}

function bodyOf(bytes: Uint8Array<ArrayBuffer>, value: unknown): JsonBody | Fault {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { bytes, value: value as Record<string, unknown> }
  }
  return fault('invalid_request', 'The body must be a JSON object, as in {"model": "auto", "messages": [...]}.')
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
