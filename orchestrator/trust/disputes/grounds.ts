/**
 * What decides a dispute without a judge: findings that follow from the texts alone, once other owners' scouts have
 * answered the same request. Judges would rather be fooled in these cases than not. Pure.
 */
import { rerunsMin } from '../../../shared/limits/trust/disputes.ts'
import type { Ground } from '../../../shared/scouts/dispute-words.ts'
import { profileOf } from '../comparison/grams.ts'
import { similarityOf } from '../comparison/similarity.ts'

export interface Findings {
  answer: string
  reruns: readonly string[]
  /** The request asks for an answer in JSON. */
  asksForJson: boolean
  /** The ledger has this text of this scout under another client's other request, and of nobody else. */
  isRepeated: boolean
}

/** To each of the reruns. Of the experiment's texts two honest ones are about 0.4 alike, a constant one 0.1. */
const alikeMin = 0.3

/**
 * `empty`: it says nothing, and others said something. `repeated`: the scout gave this very text to somebody else's
 * other request, and it is unlike what others say here. `malformed`: JSON was asked for, others gave it, this is none.
 */
export function groundOf({ answer, reruns, asksForJson, isRepeated }: Findings): Ground | null {
  if (reruns.length < rerunsMin) return null
  const spoken = reruns.filter((text) => text.trim() !== '')
  if (spoken.length < reruns.length) return null
  if (answer.trim() === '') return 'empty'
  if (asksForJson && !isJson(answer) && reruns.every(isJson)) return 'malformed'
  return isRepeated && isUnlike(answer, reruns) ? 'repeated' : null
}

/** Somebody who asks two scouts to repeat a text gets it from both: then it proves nothing. */
function isUnlike(answer: string, reruns: readonly string[]): boolean {
  const profile = profileOf(answer)
  return reruns.every((text) => similarityOf(profile, profileOf(text)) < alikeMin)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether a request asks for JSON alone. */
export function asksForJson(request: { response_format?: unknown }): boolean {
  const format = request.response_format as { type?: unknown } | null | undefined
  return format?.type === 'json_object' || format?.type === 'json_schema'
}
