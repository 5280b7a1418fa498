/**
 * Fills in the request of a task whose needs are done: the engine hands over its template and its parents' texts. What
 * the result will hold is added up before any of it is built, because a few characters of template may ask for
 * gigabytes. Values are inserted and never parsed as templates.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import {
  answerShare,
  charsPerToken,
  jsonResultCharsMax,
  nodeReferencesMax,
  renderCharsMax,
  resultCharsMax,
} from '../../../shared/limits/planner.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { atOnce, type Steps } from '../../../shared/turn-lane.ts'
import type { RenderedNode } from '../../engine/ports/planner.ts'
import { jsonIn } from '../text/answer-text.ts'
import { cutText, cutTextChars } from '../text/split.ts'
import { follow, nodesIn, type Reference, textOfValue } from './references.ts'
import { put, type Templated } from './request-template.ts'

/** All at once, for whom turns do not matter. */
export function render(asked: RenderedNode): Uint8Array | Fault {
  return atOnce(renderInSteps(asked))
}

/**
 * The request of a task whose needs are done: texts filled in, and what no text mentions put before the messages. In
 * steps, one for each result that is read as JSON and for each long part of one.
 */
export function* renderInSteps(asked: RenderedNode): Steps<Uint8Array | Fault> {
  const { node, kind, request: bytes, parents, contextTokens } = asked
  const { request, fills } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Templated
  const mentioned = new Set(fills.flatMap(({ parts }) => nodesIn(parts)))
  const before = parents.filter(({ node: name, text }) => !mentioned.has(name) && text !== '')
  const references = fills.flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string'))
  if (references.length > nodeReferencesMax) {
    return tooLarge(node, `refers to results ${references.length} times, and at most ${nodeReferencesMax} are allowed`)
  }
  const texts = new ResultTexts(asked)
  const results: string[] = before.map(({ text }) => text)
  for (const reference of references) {
    const text = texts.at(reference)
    if (typeof text !== 'string') return text
    results.push(text)
    if (texts.hasWorked()) yield
  }
  const shares = sharesOf(results, roomFor(contextTokens))
  let chars = bytes.length
  for (const [at, text] of results.entries()) chars += cutTextChars(text, shares[at]!)
  if (chars > bodyBytesMax) return tooLarge(node, tooMuch)
  const cut = results.map((text, at) => cutText(text, shares[at]!))
  let next = before.length
  for (const { at, parts } of fills) {
    put(request, at, parts.map((part) => (typeof part === 'string' ? part : cut[next++])).join(''))
  }
  if (kind === 'chat') {
    const said = before.map(({ node: name }, at) => ({ role: 'user', content: `Result of "${name}":\n\n${cut[at]}` }))
    request.messages = [...said, ...(request.messages as unknown[])]
  }
  const finished = Buffer.from(JSON.stringify(request))
  return finished.length <= bodyBytesMax ? finished : tooLarge(node, tooMuch)
}

/** Of results that one step reads as JSON, or makes texts of, but for its last one. */
const renderStepChars = 128 * 1_024

const tooMuch = `is larger than ${bodyBytesMax} bytes with the results that it refers to`

function tooLarge(node: string, why: string): Fault {
  return fault('request_too_large', `The request of node "${node}" ${why}: refer to fewer or shorter results.`)
}

/** What references lead to in the results of one node's needs. Each is made once, however often it is referred to. */
class ResultTexts {
  private readonly texts: ReadonlyMap<string, string>
  private readonly values = new Map<string, ReturnType<typeof jsonIn>>()
  private readonly made = new Map<string, string>()
  private chars = 0
  /** Of results that were read as JSON. */
  private readChars = 0
  /** Characters that were read or made since somebody asked. */
  private workedChars = 0

  constructor(private readonly asked: RenderedNode) {
    this.texts = new Map(asked.parents.map(({ node, text }) => [node, text]))
  }

  /** Whether so much was done since the last time that it is time for something else. */
  hasWorked(): boolean {
    if (this.workedChars < renderStepChars) return false
    this.workedChars = 0
    return true
  }

  at(reference: Reference): string | Fault {
    // A defect: everything else was bound before the task was made.
    if (reference.from !== 'node') throw new Error(`a task still refers to ${reference.from}`)
    const { node, path } = reference
    const text = this.texts.get(node) ?? ''
    if (path.length === 0 || text === '') return text
    const place = [node, ...path].join('.')
    return this.made.get(place) ?? this.make(place, node, path)
  }

  private make(place: string, node: string, path: readonly string[]): string | Fault {
    const json = this.valueOf(node)
    if (this.readChars > jsonResultCharsMax) {
      const why = `refers to parts of results that are longer than ${jsonResultCharsMax} characters together`
      return tooLarge(this.asked.node, why)
    }
    const found = json && follow(json.value, path)
    if (found === undefined) {
      const text = `The result of "${node}" has no field "${path.join('.')}": let its schema require it.`
      return fault('invalid_request', text)
    }
    const text = textOfValue(found.value)
    this.chars += text.length
    this.workedChars += text.length
    if (this.chars > renderCharsMax) {
      const why = `refers to parts of results that take more than ${renderCharsMax} characters together`
      return tooLarge(this.asked.node, why)
    }
    this.made.set(place, text)
    return text
  }

  private valueOf(node: string): ReturnType<typeof jsonIn> {
    if (!this.values.has(node)) {
      const text = this.texts.get(node)!
      this.readChars += text.length
      this.workedChars += text.length
      this.values.set(node, this.readChars > jsonResultCharsMax ? undefined : jsonIn(text))
    }
    return this.values.get(node)
  }
}

/** Characters of results that fit into one request. */
function roomFor(contextTokens: number): number {
  return contextTokens === 0 ? resultCharsMax : Math.floor(contextTokens * charsPerToken * (1 - answerShare))
}

/** How much of each text may stay so that together they fit: short ones stay whole, long ones share what is left. */
function sharesOf(texts: readonly string[], room: number): number[] {
  const shares = texts.map(() => 0)
  const byLength = [...texts.keys()].sort((a, b) => texts[a]!.length - texts[b]!.length)
  let left = room
  for (const [at, index] of byLength.entries()) {
    const share = Math.min(texts[index]!.length, Math.floor(left / (byLength.length - at)))
    shares[index] = share
    left -= share
  }
  return shares
}
