/**
 * Finds what a service says about a failure, in whichever form it says it: `error` as an object or a text, `detail` as
 * a text or a list, a list around it all, JSON inside of a text, the words of the service behind a service, plain text,
 * a web page. What comes out is one error as OpenAI writes it, and one sentence of plain text. Fed by `service-faults.ts`.
 */
import { plainMessage } from '../../../shared/faults.ts'
import { providerReasonCharsMax } from '../../../shared/limits/provider.ts'
import { isObject, type Json } from './json-object.ts'

/** How deep an error may be wrapped. */
const depthMax = 6

/** Where services put their sentence; the first that holds one counts. */
const wordFields = [
  ...['message', 'error_msg', 'error_message', 'errorMessage', 'msg', 'detail', 'details', 'error_description'],
  ...['description', 'reason', 'error', 'errors', 'title', 'raw', 'text'],
]

/** Codes and fields that may stand outside of the object with the sentence. */
const outerFields = ['code', 'type', 'param', 'metadata', 'status']

/** The error in `body`, with the fields that OpenAI gives it as far as they were found anywhere around it. */
export function errorIn(body: unknown): Json {
  let found: Json = {}
  let at = body
  for (let depth = 0; depth < depthMax; depth++) {
    at = unpacked(at)
    if (Array.isArray(at)) at = at.find((one) => isObject(one)) ?? at[0]
    else if (isObject(at)) {
      const here = at
      const outer = Object.fromEntries(
        outerFields.flatMap((field) => (here[field] == null ? [] : [[field, here[field]]])),
      )
      found = { ...found, ...outer }
      const inner = here.error ?? here.errors ?? (isObject(here.detail) ? here.detail : undefined)
      if (inner == null || inner === true) return { ...found, ...paramIn(here) }
      at = inner
    } else break
  }
  return found
}

/** FastAPI lists what is wrong with the place of each. */
function paramIn({ detail }: Json): Json {
  const first: unknown = Array.isArray(detail) ? detail[0] : null
  if (!isObject(first) || !Array.isArray(first.loc)) return {}
  return { param: first.loc.filter((step) => step !== 'body').join('.') }
}

/** What the service says, as one line of plain text; empty when it says nothing. */
export function reasonIn(body: unknown): string {
  const sentence = wordsIn(body, 0)
  const metadata = errorIn(body).metadata
  if (!isObject(metadata)) return sentence
  // OpenRouter says "Provider returned error" and puts the provider's own words here.
  const behind = wordsIn(metadata.raw, 0)
  return behind === '' || sentence.includes(behind) ? sentence : [sentence, behind].filter(Boolean).join(': ')
}

function wordsIn(said: unknown, depth: number): string {
  const at = depth < depthMax ? unpacked(said) : said
  if (typeof at === 'string') return plainText(at)
  if (depth >= depthMax) return ''
  if (Array.isArray(at)) {
    return at
      .slice(0, 4)
      .map((one) => wordsIn(one, depth + 1))
      .filter(Boolean)
      .join('; ')
      .slice(0, providerReasonCharsMax)
  }
  if (!isObject(at)) return ''
  for (const field of wordFields) {
    const words = wordsIn(at[field], depth + 1)
    if (words !== '')
      return field === 'msg' && Array.isArray(at.loc) ? `${at.loc.slice(0, 8).join('.')}: ${words}` : words
  }
  return ''
}

/** JSON inside of a text. */
function unpacked(said: unknown): unknown {
  if (typeof said !== 'string' || !/^\s*[[{]/.test(said) || said.length > 65_536) return said
  try {
    return JSON.parse(said)
  } catch {
    return said
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' }

/** Without tags, in one line, bounded. */
function plainText(text: string): string {
  let plain = text.slice(0, 8 * providerReasonCharsMax)
  if (/<(?:!doctype|html|head|body|title|center|h\d|p|div|br|pre|\?xml)\b/i.test(plain)) {
    const [, title] = /<title[^>]{0,200}>([^<]{1,500})/i.exec(plain) ?? []
    plain = title ?? plain.replace(/<(script|style)\b[\s\S]{0,4000}?<\/\1>/gi, ' ')
    plain = plain.replace(/<[^<>]{0,1000}>/g, ' ').replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name) => entities[name]!)
    plain = `a web page: ${plain.trim()}`
  }
  return plainMessage(plain).replace(/\s+/g, ' ').trim().slice(0, providerReasonCharsMax)
}
