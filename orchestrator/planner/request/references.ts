/**
 * The references that texts of a scroll may hold, as mustache tags: `{{input}}`, `{{params.x}}`, `{{nodes.a}}`,
 * `{{nodes.a.field}}`, and inside some nodes `{{item}}`, `{{index}}`, `{{items}}`, `{{answers}}`. A text is taken apart
 * once, when the scroll is planned; what is put in later is never read as a template, so nothing can be smuggled in.
 * Sections, partials and functions do not exist here. Conditions and lists use the same names without braces.
 */
import mustache from 'mustache'
import {
  nodeIdCharsMax,
  referenceStepCharsMax,
  referenceStepsMax,
  scrollReferencesMax,
  templateCharsMax,
  textReferencesMax,
} from '../../../shared/limits/planner.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'

/** Something that becomes known later. `path` are the fields to follow inside a JSON value; empty for the whole. */
export type Reference =
  | { from: 'node'; node: string; path: string[] }
  | { from: 'item'; path: string[] }
  | { from: 'index' | 'items' | 'answers' }

/** A piece of a text: literal text, or a reference to be replaced by text. */
export type Part = string | Reference

/** What is known when a scroll is planned. */
export interface Known {
  input: string | null
  params: Readonly<Record<string, unknown>>
}

/** The names that exist only in some texts. */
export type Extra = 'item' | 'items' | 'answers'

/** Text with the names of tags, for sentences. */
const wish = '{{input}}, {{params.name}}, {{nodes.id}} or {{nodes.id.field}}'
const nodeForm = new RegExp(`^[A-Za-z0-9_-]{1,${nodeIdCharsMax}}$`)
const stepForm = new RegExp(`^[\\p{L}\\p{N}_-]{1,${referenceStepCharsMax}}$`, 'u')

/** Takes the texts of one scroll apart, and keeps count of them: taking apart costs per character. */
export class TextReader {
  private chars = 0
  private references = 0
  /** Characters of what is put in, which all requests of a plan together hold at least. */
  private inserted = 0
  private readonly texts = new Map<string, string>()
  /** Its cache keeps every text it has seen, so it lives no longer than the scroll's planning. */
  private readonly writer = new mustache.Writer()

  constructor(
    private readonly known: Known,
    /** The name that a node of the scroll has among the tasks; undefined when there is none. */
    private readonly nameOf: (id: string) => string | undefined,
  ) {}

  /** The pieces of a text, or what is wrong with it as the rest of a sentence that begins with its name. */
  read(text: string, extra: readonly Extra[]): Part[] | string {
    if (!text.includes('{{')) return [text]
    this.chars += text.length
    if (this.chars > templateCharsMax) {
      const advice = 'put long texts into `params`, and refer to them'
      return `makes the texts with references longer than ${templateCharsMax} characters in all: ${advice}`
    }
    // Taking a text apart costs many times as much as looking for its tags.
    if (tagsIn(text, tagsMax) > tagsMax) {
      return `has more than ${tagsMax} tags, and at most ${textReferencesMax} references are allowed`
    }
    let tokens: unknown[][]
    try {
      tokens = this.writer.parse(text) as unknown[][]
    } catch (error) {
      return `has braces that do not match (${(error as Error).message}): write ${wish}`
    }
    const parts: Part[] = []
    let references = 0
    for (const [type, value] of tokens as [string, string][]) {
      if (type === 'text') add(parts, value)
      else if (type === 'name' || type === '&') {
        const flaw = this.count(++references)
        if (flaw !== null) return flaw
        const part = this.reference(value, extra)
        if ('flaw' in part) return part.flaw
        add(parts, part.part)
      } else if (type !== '!' && type !== '=')
        return `has the tag {{${type}…}}, which does not exist here: write ${wish}`
    }
    return parts
  }

  /** Of one more reference, which is number `inText` of its text. */
  private count(inText: number): string | null {
    if (inText > textReferencesMax)
      return `has ${inText} references or more, and at most ${textReferencesMax} are allowed`
    if (++this.references <= scrollReferencesMax) return null
    return `makes more than ${scrollReferencesMax} references in all texts together: refer to fewer things`
  }

  /** What a name stands for: text when that is known already. */
  private reference(name: string, extra: readonly Extra[]): { part: Part } | { flaw: string } {
    const found = this.resolve(name, extra)
    if ('flaw' in found) return found
    if ('reference' in found) return { part: found.reference }
    let text = this.texts.get(name)
    if (text === undefined) {
      text = textOfValue(found.value)
      this.texts.set(name, text)
    }
    const flaw = this.hold(text.length)
    return flaw === null ? { part: text } : { flaw }
  }

  /** Counts what the plan will hold because a name stands for it; what is wrong when it would be too much. */
  hold(chars: number): string | null {
    this.inserted += chars
    if (this.inserted <= bodyBytesMax) return null
    return `makes the requests take more than ${bodyBytesMax} bytes in all, with what its references stand for`
  }

  /** What a name stands for, as a value when that is known already. */
  resolve(name: string, extra: readonly Extra[]): { value: unknown } | { reference: Reference } | { flaw: string } {
    const [first, ...path] = name.split('.')
    if (path.length > referenceStepsMax || !path.every((step) => stepForm.test(step))) return strange(name)
    if (first === 'input' && path.length === 0) return this.input()
    if (first === 'params' && path.length > 0) {
      const found = follow(this.known.params, path)
      return found === undefined ? { flaw: `refers to {{${shown(name)}}}, and \`params\` has no such field` } : found
    }
    if (first === 'nodes' && path.length > 0) return this.node(path)
    if (first === 'item' && extra.includes('item')) return { reference: { from: 'item', path } }
    if (path.length > 0) return strange(name)
    if (first === 'index' && extra.includes('item')) return { reference: { from: 'index' } }
    if ((first === 'items' || first === 'answers') && extra.includes(first)) return { reference: { from: first } }
    return strange(name)
  }

  private input(): { value: unknown } | { flaw: string } {
    const { input } = this.known
    return input === null ? { flaw: 'refers to {{input}}, and no `input` was sent' } : { value: input }
  }

  private node([id, ...path]: string[]): { reference: Reference } | { flaw: string } {
    const node = nodeForm.test(id!) ? this.nameOf(id!) : undefined
    if (node === undefined) return { flaw: `refers to node "${shown(id!)}", and no node has that id` }
    return { reference: { from: 'node', node, path } }
  }
}

/** Tags of one text, comments among them. */
const tagsMax = 4 * textReferencesMax

/** How many tags begin in a text; counting ends where it passes `most`. */
function tagsIn(text: string, most: number): number {
  let tags = 0
  for (let at = text.indexOf('{{'); at >= 0 && tags <= most; at = text.indexOf('{{', at + 2)) tags++
  return tags
}

function add(parts: Part[], part: Part): void {
  const last = parts.length - 1
  if (typeof part === 'string' && typeof parts[last] === 'string') parts[last] += part
  else parts.push(part)
}

function strange(name: string): { flaw: string } {
  return { flaw: `refers to {{${shown(name)}}}, which means nothing there: write ${wish}` }
}

function shown(name: string): string {
  return name.slice(0, nodeIdCharsMax)
}

/** The value at the end of a path, own fields only; undefined when it leads nowhere. */
export function follow(value: unknown, path: readonly string[]): { value: unknown } | undefined {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string, unknown>)[step]
  }
  return { value: at }
}

/** A value as it stands in a text: strings as they are, everything else as JSON. */
export function textOfValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The nodes that these pieces refer to. */
export function nodesIn(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (typeof part !== 'string' && part.from === 'node' ? [part.node] : []))
}

/** About as many characters as a reference takes in a stored template. */
export function referenceChars(reference: Reference): number {
  let chars = 30
  if (reference.from === 'node') chars += reference.node.length
  if ('path' in reference) for (const step of reference.path) chars += step.length + 3
  return chars
}
