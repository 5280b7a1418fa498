/**
 * The client's request as a service is to see it. Everything is forwarded but what is Chasm's own; what the hub decided
 * (model, streaming) and the fields that the operator sets take its place.
 */
import { fault } from '../../../shared/faults.ts'
import type { Service } from '../dialects.ts'
import { ProviderError, type ProviderRequest } from '../provider.ts'
import { parseExactly } from '../transport/exact-json.ts'
import { isObject, type Json } from '../transport/json-object.ts'

/** `model` is the service's own name for it. Throws a ProviderError when the request is none. */
export function readBody(request: ProviderRequest, model: string, { name, continuation, extras }: Service): Json {
  const body = parseBody(request.body)
  delete body.chasm
  body.model = model
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
  if (request.kind === 'embed') {
    // The SDK would ask for base64 on its own.
    body.encoding_format ??= 'float'
  } else if (request.stream) {
    body.stream = true
    body.stream_options = { ...(isObject(body.stream_options) ? body.stream_options : {}), include_usage: true }
  } else {
    body.stream = false
    delete body.stream_options
  }
  return body
}

function parseBody(bytes: Uint8Array): Json {
  let body: unknown
  try {
    body = parseExactly(new TextDecoder().decode(bytes))
  } catch {
    body = null
  }
  if (!isObject(body)) throw new ProviderError(fault('invalid_request', 'the request body must be a JSON object'))
  return body
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
