/**
 * What the planner's functions make of the texts of answers: the JSON that is in one, and results of their own, which
 * look like any scout's.
 */

import { jsonDepthMax } from '../../../shared/limits/http.ts'
import { jsonResultCharsMax } from '../../../shared/limits/planner.ts'

/** A settled answer with this text. */
export function bodyOfText(text: string): Uint8Array {
  const message = { role: 'assistant', content: text }
  return Buffer.from(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }] }))
}

/**
 * The JSON value that a text is, alone or inside one fence as models like to write it; undefined when it is none, or
 * too long to be read.
 */
export function jsonIn(text: string): { value: unknown } | undefined {
  if (text.length > jsonResultCharsMax) return undefined
  const plain = parsed(text)
  if (plain !== undefined) return plain
  const begin = text.indexOf('```')
  const end = text.lastIndexOf('```')
  if (begin < 0 || end <= begin) return undefined
  const lineEnd = text.indexOf('\n', begin)
  return lineEnd < 0 || lineEnd > end ? undefined : parsed(text.slice(lineEnd, end))
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isShallow(value, jsonDepthMax) ? { value } : undefined
  } catch {
    return undefined
  }
}

/** Deeper values are refused: a recursive walk over them would run out of stack. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  // A list of the values of each object would take many times as long as the parser.
  if (Array.isArray(value)) {
    for (const inner of value) if (typeof inner === 'object' && !isShallow(inner, levels - 1)) return false
    return true
  }
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object' && !isShallow(inner, levels - 1)) return false
  }
  return true
}
