/**
 * Finds the functions of a masked source and how many lines each takes, by matching brackets: an arrow's block, or a
 * parameter list followed by an optional return type and a block. Feeds the tidy rule on sizes; leaves what is a
 * comment or a string to `source-mask.ts`.
 */
import { lineAt } from './source-mask.ts'

export interface FunctionSpan {
  /** The word before the parameters; empty for an arrow. */
  name: string
  line: number
  lines: number
  /** It holds tests: a chapter of a test file or a contract suite, which is as long as its tests are many. */
  chapter: boolean
}

const notFunctions = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await'])
const typePrefixes = new Set(['keyof', 'typeof', 'readonly', 'infer', 'asserts', 'unique', 'new', 'is', 'extends'])

/** Closing position of every bracket, by its opening one. */
function matchBrackets(code: string): Map<number, number> {
  const closes = new Map<number, number>()
  const open: number[] = []
  for (let i = 0; i < code.length; i++) {
    if ('([{'.includes(code[i] as string)) open.push(i)
    else if (')]}'.includes(code[i] as string)) {
      const at = open.pop()
      if (at !== undefined) closes.set(at, i)
    }
  }
  return closes
}

function skipSpace(code: string, at: number): number {
  let next = at
  while (next < code.length && /\s/.test(code[next] as string)) next++
  return next
}

/** Past the `>` that closes the `<` at `at`; arrows inside do not count. */
function skipAngles(code: string, at: number): number {
  let depth = 0
  for (let i = at; i < code.length; i++) {
    if (code[i] === '<') depth++
    if (code[i] === '>' && code[i - 1] !== '=' && --depth === 0) return i + 1
  }
  return code.length
}

/** Where the block after a return type begins; -1 when what follows the colon is no type with a block behind it. */
function blockAfterType(code: string, from: number, closes: Map<number, number>): number {
  let expectsType = true
  let at = from
  while (at < code.length) {
    at = skipSpace(code, at)
    const char = code[at] ?? ''
    const word = /^[\w$]+/.exec(code.slice(at, at + 100))?.[0]
    if (char === '{' && !expectsType) return at
    if (word !== undefined) {
      if (!expectsType && !typePrefixes.has(word)) return -1
      expectsType = typePrefixes.has(word)
      at += word.length
    } else if (char === '{' || char === '(' || char === '[') {
      at = (closes.get(at) ?? code.length) + 1
      expectsType = false
    } else if (char === '<') {
      at = skipAngles(code, at)
    } else if (char === "'" || char === '"' || char === '`') {
      at = code.indexOf(char, at + 1) + 1
      if (at === 0) return -1
      expectsType = false
    } else if (char === '|' || char === '&' || char === '.') {
      expectsType = true
      at++
    } else if (code.startsWith('=>', at)) {
      expectsType = true
      at += 2
    } else return -1
  }
  return -1
}

/** The word before an opening parenthesis, past type parameters. */
function wordBefore(code: string, paren: number): string {
  let end = code.slice(0, paren).trimEnd().length
  if (code[end - 1] === '>' && code[end - 2] !== '=') {
    let depth = 0
    do {
      end--
      if (code[end] === '>' && code[end - 1] !== '=') depth++
      if (code[end] === '<') depth--
    } while (depth > 0 && end > 0)
  }
  return /[\w$]+$/.exec(code.slice(Math.max(0, end - 100), end).trimEnd())?.[0] ?? ''
}

/** Where the block of the function begins whose parameters open at `paren`; -1 when it is no function with a block. */
function bodyAfterParameters(code: string, paren: number, closes: Map<number, number>): number {
  const close = closes.get(paren)
  if (close === undefined || notFunctions.has(wordBefore(code, paren))) return -1
  const next = skipSpace(code, close + 1)
  if (code[next] === '{') return next
  return code[next] === ':' ? blockAfterType(code, next + 1, closes) : -1
}

export function functionSpans(code: string): FunctionSpan[] {
  const closes = matchBrackets(code)
  const spans: FunctionSpan[] = []
  const add = (name: string, start: number, body: number): void => {
    const close = closes.get(body)
    if (close === undefined) return
    const line = lineAt(code, start)
    const chapter = /(?<![.\w$])(?:test|it|describe)\b[^;]*?\(/.test(code.slice(body, close))
    spans.push({ name, line, lines: lineAt(code, close) - line + 1, chapter })
  }
  for (const arrow of code.matchAll(/=>\s*\{/g)) add('', arrow.index, arrow.index + arrow[0].length - 1)
  for (const paren of code.matchAll(/\(/g)) {
    const body = bodyAfterParameters(code, paren.index, closes)
    if (body !== -1) add(wordBefore(code, paren.index), paren.index, body)
  }
  return spans
}
