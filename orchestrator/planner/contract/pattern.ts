/**
 * Regular expressions of clients. They run on an engine that is linear in expression times text (RE2) and never on the
 * platform's, which backtracks. An expression is judged by what it costs to build before it is built; each search is
 * counted, and all searches of one answer share one budget.
 */
import { RE2JS, RE2Set } from 're2js'
import {
  patternBuildMax,
  patternCacheMax,
  patternCharsMax,
  patternClassParts,
  patternMemoryBytes,
  patternSizeMax,
  patternStepsMax,
  patternTextCharsMax,
} from '../../../shared/limits/planner.ts'

/** What an expression takes: steps per character of a text, and ranges of characters to build it. */
export interface PatternCost {
  size: number
  build: number
}

/** All searches of one answer together took more than they may. */
export class TooManySteps extends Error {}

/** What an expression costs at most, or what is wrong with it as the rest of a sentence. */
export function patternCost(pattern: string): PatternCost | string {
  if (pattern.length > patternCharsMax) return `is longer than ${patternCharsMax} characters`
  try {
    // Only read by the platform, never run: it has to be one that others understand as well.
    new RegExp(pattern, 'u')
  } catch {
    return 'is not a regular expression'
  }
  const cost = counted(pattern)
  if (typeof cost === 'string') return cost
  if (cost.size > patternSizeMax || cost.build > patternBuildMax) {
    return 'repeats too much: use + or * with `maxLength` in place of high counts'
  }
  try {
    searcher(pattern)
    return cost
  } catch {
    return 'is not one that RE2 understands: write it with plain groups, classes and repeats'
  }
}

/** One thing at the beginning of an expression that is known to be whole. */
const tokenForm =
  /^(\\k<[^>]*>|\\[pP]\{[^}]*\}|\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?<[=!]?|\(\?[\s\S]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S])/

/** The sums of an expression read from left to right; each group is one atom of the group around it. */
function counted(pattern: string): PatternCost | string {
  const open: PatternCost[] = [{ size: 3, build: 1 }]
  let atom: PatternCost = { size: 0, build: 0 }
  for (let rest = pattern; rest !== ''; ) {
    const [token] = tokenForm.exec(rest)!
    rest = rest.slice(token.length)
    const flaw = strangeness(token)
    if (flaw !== null) return flaw
    const sum = open.at(-1)!
    const repeat = repeatOf(token)
    if (repeat !== null) {
      const { times, branches } = repeat
      // The atom stands there once already.
      const more = { size: atom.size * (times - 1) + branches, build: atom.build * (times - 1) }
      add(sum, more)
      atom = { size: atom.size + more.size, build: atom.build + more.build }
    } else if (token.startsWith('(')) open.push({ size: token === '(?:' ? 1 : 2, build: 1 })
    else {
      atom = token === ')' && open.length > 1 ? open.pop()! : { size: 1, build: buildOf(token) }
      add(open.at(-1)!, token === '|' ? { size: 2, build: 1 } : atom)
    }
    if (sum.size > patternSizeMax || sum.build > patternBuildMax) break
  }
  return open.reduce((all, one) => ({ size: all.size + one.size, build: all.build + one.build }))
}

function add(sum: PatternCost, { size, build }: PatternCost): void {
  sum.size += size
  sum.build += build
}

function strangeness(token: string): string | null {
  if (/^\\[1-9k]/.test(token)) return 'refers back to what it found: write it out'
  if (/^\(\?(=|!|<=|<!)/.test(token)) return 'looks around: say what the text has to be'
  return /^\(\?[^:<]/.test(token) ? 'sets flags: write both cases out' : null
}

/** Ranges of characters in a class, counted too high rather than too low. */
function buildOf(token: string): number {
  const classes = token.match(/\\[pP]\{/g)?.length ?? 0
  return token.length + classes * patternClassParts
}

/** How often a repeat writes its atom out, and the branches between; null when the token is none. */
function repeatOf(token: string): { times: number; branches: number } | null {
  if (/^[?*+]/.test(token)) return { times: 1, branches: 2 }
  const bounds = /^\{(\d+)(?:(,)(\d*))?\}/.exec(token)
  if (bounds === null) return null
  const [, least, comma, most] = bounds
  if (comma === undefined) return { times: Math.max(1, Number(least)), branches: 1 }
  const times = Math.max(1, most === '' ? Number(least) + 1 : Number(most))
  return { times, branches: times - Number(least) + 1 }
}

/** Expressions that were built, the one used last at the end. Each keeps what it learnt of texts, within its bound. */
const built = new Map<string, RE2Set>()

function searcher(pattern: string): RE2Set {
  let set = built.get(pattern)
  if (set === undefined) {
    set = new RE2Set(RE2Set.UNANCHORED, 0, patternMemoryBytes)
    set.add(RE2JS.translateRegExp(pattern))
    set.compile()
    const [oldest] = built.keys()
    if (built.size >= patternCacheMax) built.delete(oldest!)
  } else built.delete(pattern)
  built.set(pattern, set)
  return set
}

/** Steps that searches may still take, and those of the answer that is being checked. */
let stepsLeft = 0

/** Runs what searches texts of one answer; throws `TooManySteps` when all its searches take more than they may. */
export function withSteps<T>(run: () => T): { found: T; steps: number } {
  stepsLeft = patternStepsMax
  const found = run()
  return { found, steps: patternStepsMax - stepsLeft }
}

/** What a validator calls for every `pattern` and every name under `patternProperties`. */
export const searchFor = Object.assign(
  (pattern: string) => {
    const cost = patternCost(pattern)
    if (typeof cost === 'string') throw new Error(`a pattern ${cost}`)
    const test = (text: string) => {
      // A longer text never matches, which bounds the cost of one search.
      if (text.length > patternTextCharsMax) return false
      stepsLeft -= cost.size * (text.length + 1)
      if (stepsLeft < 0) throw new TooManySteps()
      return searcher(pattern).match(text).length > 0
    }
    // Its text is the name under which the validator finds it again.
    return { test, toString: () => pattern }
  },
  // What ajv would write into code of its own if it were asked to; it never is.
  { code: 'new RegExp' },
)
