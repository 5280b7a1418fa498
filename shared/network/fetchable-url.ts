/**
 * Which URLs in a request others may be made to fetch: an engine that is given `image_url` fetches it from inside its
 * own network. Only the public web and `data:` may be named. Pure: names are judged as they are written, without a
 * look-up, so a public name that resolves to a private address passes; who runs an engine bounds its network. The
 * client edge asks for each request, and the scout once more before its engine sees it.
 */
import { checkedPerTurn } from '../limits/http.ts'

export interface UnfetchableUrl {
  /** The field, as `messages[0].content[1].image_url.url`. */
  field: string
  /** What is wrong with it: completes a sentence that begins with the field's name. */
  flaw: string
}

type Json = Record<string, unknown>

/** The longest name there is, with a port, and what a name in another script may have in its place. */
const authorityCharsMax = 1_024
const allowed = 'must be a public https:, http: or data: URL'
/** Nesting below a part that is looked through; no part of any dialect has its URL deeper. */
const levelsMax = 4

/** Names that mean the machine itself or its own network, with everything below them. */
const privateNames = [
  'localhost',
  'local',
  'internal',
  'home.arpa',
  'lan',
  'intranet',
  'corp',
  'private',
  'localdomain',
]

/** First address and length of each IPv4 network that is not the public internet. */
const privateNetworks: readonly (readonly [first: number, bits: number])[] = [
  ipv4(0, 0, 0, 0, 8),
  ipv4(10, 0, 0, 0, 8),
  ipv4(100, 64, 0, 0, 10),
  ipv4(127, 0, 0, 0, 8),
  ipv4(169, 254, 0, 0, 16),
  ipv4(172, 16, 0, 0, 12),
  ipv4(192, 0, 0, 0, 24),
  ipv4(192, 168, 0, 0, 16),
  ipv4(198, 18, 0, 0, 15),
  ipv4(224, 0, 0, 0, 3),
]

function ipv4(a: number, b: number, c: number, d: number, bits: number): readonly [number, number] {
  return [addressOf(a, b, c, d), bits]
}

function addressOf(a: number, b: number, c: number, d: number): number {
  return ((a * 256 + b) * 256 + c) * 256 + d
}

/** What is wrong with making others fetch this; null when nothing is. */
export function urlFlaw(url: string): string | null {
  if (/^data:/i.test(url)) return null
  // What parsers read differently is refused, not read: blanks, backslashes, escapes and credentials in the host.
  const authority = /^https?:\/\/([^/?#]+)/i.exec(url)?.[1]
  if (authority === undefined || authority.length > authorityCharsMax || oddCharacter.test(url)) return allowed
  if (authority.includes('%')) return allowed
  if (authority.includes('@')) return `${allowed} without a user name or password`
  let host: string
  try {
    // What stands behind the host cannot change it, and may be long.
    host = new URL(`http://${authority}`).hostname
  } catch {
    return allowed
  }
  return isPublicHost(host) ? null : `${allowed}, and this one leads into a private network`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const oddCharacter = /[\u0000-\u0020\u007f\\]/

/** A host as a parser of URLs wrote it: lower case, IPv4 in decimal with dots, IPv6 in brackets. */
function isPublicHost(host: string): boolean {
  if (host.startsWith('[')) return isPublicIpv6(host.slice(1, -1))
  const name = host.replace(/\.+$/, '')
  const numbers = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(name)
  if (numbers !== null) {
    const [a, b, c, d] = numbers.slice(1).map(Number) as [number, number, number, number]
    return isPublicIpv4(addressOf(a, b, c, d))
  }
  if (!name.includes('.')) return false
  return !privateNames.some((tail) => name === tail || name.endsWith(`.${tail}`))
}

function isPublicIpv4(address: number): boolean {
  return !privateNetworks.some(([first, bits]) => {
    const size = 2 ** (32 - bits)
    return address >= first && address < first + size
  })
}

/** Only global unicast is public, and addresses that wrap an IPv4 address are as public as that. */
function isPublicIpv6(text: string): boolean {
  const groups = groupsOf(text)
  if (groups === null) return false
  const [first, second, third, , , , seventh, eighth] = groups as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const last = seventh * 65_536 + eighth
  // Mapped (::ffff:a.b.c.d) and NAT64 (64:ff9b::a.b.c.d).
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  const isTranslated = first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0)
  if (isMapped || isTranslated) return isPublicIpv4(last)
  // 6to4.
  if (first === 0x2002) return isPublicIpv4(second * 65_536 + third)
  // 2001::/23 is for protocols of the network itself, Teredo among them.
  if (first === 0x2001 && second < 0x200) return false
  return first >= 0x2000 && first < 0x4000
}

/** The eight groups of an IPv6 address as a parser of URLs writes it; null for anything else. */
function groupsOf(text: string): number[] | null {
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const missing = 8 - before.length - after.length
  if (missing < 0 || (tail === undefined && missing > 0)) return null
  const all = [...before, ...Array<number>(missing).fill(0), ...after]
  return all.every((group) => group >= 0 && group <= 0xffff) ? all : null
}

/** The text behind a string of a request: of a long one, whoever reads the request may have only a mark there. */
type TextOf = (value: string) => string

const asItIs: TextOf = (value) => value

/**
 * The first URL that must not be fetched, in the parts of messages and inputs of a request, whatever its dialect, and
 * in the servers that its tools name; null without one. Text that holds a reference (`{{...}}`) is left to whoever
 * renders it. `textOf` is asked for what stands in fields of URLs, as far as it matters where they lead.
 */
export function unfetchableIn(request: Json, textOf: TextOf = asItIs): UnfetchableUrl | null {
  const steps = unfetchableInSteps(request, textOf)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

type Steps = Generator<void, UnfetchableUrl | null>

/** The same, found in steps of which each looks at a bounded number of messages, parts and URLs. */
export function* unfetchableInSteps(request: Json, textOf: TextOf = asItIs): Steps {
  const { messages, input, tools, scroll, params } = request
  return (
    (yield* inMessages(messages, 'messages', textOf)) ??
    (yield* inMessages(input, 'input', textOf)) ??
    (yield* inTools(tools, textOf)) ??
    (yield* inScroll(scroll, textOf)) ??
    (yield* inMessages(isObject(params) ? params.messages : null, 'params.messages', textOf))
  )
}

function* inMessages(list: unknown, field: string, textOf: TextOf): Steps {
  if (!Array.isArray(list)) return null
  for (let at = 0; at < list.length; at++) {
    if (at % checkedPerTurn === checkedPerTurn - 1) yield
    const message: unknown = list[at]
    if (!isObject(message)) continue
    const { content } = message
    // Text, as almost all is.
    if (typeof content === 'string') continue
    const found = Array.isArray(content)
      ? yield* inList(content, `${field}[${at}].content`, levelsMax, textOf)
      : yield* inPart(message, `${field}[${at}]`, levelsMax, textOf)
    if (found !== null) return found
  }
  return null
}

function* inTools(tools: unknown, textOf: TextOf): Steps {
  if (!Array.isArray(tools)) return null
  for (let at = 0; at < tools.length; at++) {
    if (at % checkedPerTurn === checkedPerTurn - 1) yield
    const tool: unknown = tools[at]
    const flaw = isObject(tool) && typeof tool.server_url === 'string' ? judged(textOf(tool.server_url)) : null
    if (flaw !== null) return { field: `tools[${at}].server_url`, flaw }
  }
  return null
}

/** The nodes of a scroll, each with messages of its own. */
function* inScroll(scroll: unknown, textOf: TextOf): Steps {
  if (!isObject(scroll) || !Array.isArray(scroll.nodes)) return null
  for (let at = 0; at < scroll.nodes.length; at++) {
    const node: unknown = scroll.nodes[at]
    const found = isObject(node) ? yield* inMessages(node.messages, `scroll.nodes[${at}].messages`, textOf) : null
    if (found !== null) return found
  }
  return null
}

function* inList(list: unknown[], field: string, levels: number, textOf: TextOf): Steps {
  for (let at = 0; at < list.length; at++) {
    if (at % checkedPerTurn === checkedPerTurn - 1) yield
    const found = yield* inValue(list[at], `${field}[${at}]`, levels, textOf)
    if (found !== null) return found
  }
  return null
}

function* inValue(value: unknown, field: string, levels: number, textOf: TextOf): Steps {
  if (levels === 0 || typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) return yield* inList(value, field, levels - 1, textOf)
  return yield* inPart(value as Json, field, levels, textOf)
}

/** A part of a message: `{"type": "image_url", "image_url": {"url": …}}` and its kin. */
function* inPart(part: Json, field: string, levels: number, textOf: TextOf): Steps {
  let looked = 0
  for (const key in part) {
    if (++looked % checkedPerTurn === 0) yield
    const value = part[key]
    if (typeof value === 'string') {
      const flaw = isUrlField(key, value, textOf) ? judged(textOf(value)) : null
      if (flaw !== null) return { field: `${field}.${key}`, flaw }
    } else if (typeof value === 'object') {
      const found = yield* inValue(value, `${field}.${key}`, levels - 1, textOf)
      if (found !== null) return found
    }
  }
  return null
}

/** Some services take a URL in the place of a file's bytes. */
function isUrlField(key: string, value: string, textOf: TextOf): boolean {
  if (/ur[li]$/i.test(key)) return true
  return /^file_data$/i.test(key) && /^[a-z][a-z0-9+.-]{0,15}:/i.test(textOf(value))
}

function judged(url: string): string | null {
  return url.includes('{{') ? null : urlFlaw(url)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
