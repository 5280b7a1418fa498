/**
 * Going on with an answer at another scout: the request that asks for the rest of it, and the text that a client has
 * already got. Only for clients that opted in, and only for plain text of one choice; `http` refuses the rest. The
 * request is passed over and copied, never parsed: a long one would take the loop for itself.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import { Class } from '../../../shared/json/json-tokens.ts'
import { answerValuesMax } from '../../../shared/limits/answers.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'

const limits = ['max_tokens', 'max_completion_tokens']
const inRequest = new FieldNames([...limits, 'messages', 'continue_final_message', 'add_generation_prompt'])
/** The two switches are vLLM's; others continue a trailing assistant turn. */
const switches = new Map([
  [3, 'true'],
  [4, 'false'],
])
/** A request may hold more values than an answer. */
const valuesMax = 4 * answerValuesMax
const scan = new JsonScan()

/**
 * The request with the forwarded text as the assistant's unfinished turn, which the model is asked to continue;
 * `tokens` pieces of it have been forwarded. Null when it names a field twice, or is otherwise too odd to be read here.
 */
export function continuedRequest(request: Uint8Array, prefix: string, tokens: number): Uint8Array | null {
  const pieces: Uint8Array[] = []
  let from = 0
  /** What stood between these places stands no more. */
  const replace = (start: number, end: number, text: string) => {
    pieces.push(request.subarray(from, start), Buffer.from(text))
    from = end
  }
  const missing = new Map(switches)
  let hasMessages = false
  let isRead = scan.begin(request, valuesMax) && scan.enterObject()
  while (isRead && scan.nextField()) {
    const field = scan.fieldIn(inRequest)
    const { at } = scan
    if (field === 2) {
      hasMessages = scan.next === Class.list && scan.skip()
      const separator = hasMessages && scan.isFilledList(at) ? ',' : ''
      // The `prefix` mark is DeepSeek's and Mistral's.
      const turn = JSON.stringify({ role: 'assistant', content: prefix, prefix: true })
      replace(scan.at - 1, scan.at - 1, separator + turn)
    } else if (field === 0 || field === 1) {
      const isNumber = scan.next === Class.number
      const most = isNumber ? scan.number() : 0
      if (!isNumber) scan.skip()
      // A piece is a token or a few, so the rest may be a little longer than the client's limit, never much. What is
      // not positive means no limit, or is the provider's to refuse.
      if (most > 0) replace(at, scan.at, String(Math.max(1, most - tokens)))
    } else {
      scan.skip()
      if (missing.delete(field)) replace(at, scan.at, switches.get(field)!)
    }
  }
  const end = scan.at - 1
  isRead = scan.end() && isRead && hasMessages
  if (!isRead) return null
  for (const [field, value] of missing) replace(end, end, `,"${inRequest.names[field]}":${value}`)
  pieces.push(request.subarray(from))
  return Buffer.concat(pieces)
}

const tooLongToContinue = fault(
  'answer_too_large',
  'The scout that answered is lost, and the answer so far is too long for another one to continue. Ask again.',
)
const notContinued = fault(
  'scout_lost',
  'The scout that answered is lost, and another one cannot continue a request that names a field twice. Ask again.',
)

/** The same as far as a body may be long; or why no other scout can go on. */
export function continuedWithin(request: Uint8Array, prefix: string, tokens: number): Uint8Array | Fault {
  // Text is at least as long in bytes as in characters: what cannot fit is not put together.
  if (request.length + prefix.length > bodyBytesMax) return tooLongToContinue
  const continued = continuedRequest(request, prefix, tokens)
  if (continued === null) return notContinued
  return continued.length > bodyBytesMax ? tooLongToContinue : continued
}

/** The text of a checked line. */
export function textOfLine(line: Uint8Array): string {
  const { choices } = JSON.parse(Buffer.from(line).toString('utf8')) as {
    choices: { delta: { content?: unknown } }[]
  }
  const content = choices[0]?.delta.content
  return typeof content === 'string' ? content : ''
}
