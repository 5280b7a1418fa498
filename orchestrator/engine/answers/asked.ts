/**
 * What a request asked for, as far as its answer has to fit: how many choices, how many embeddings and of what size,
 * and how many prompt tokens an answer may claim to have read. Read out of the request's bytes, and only when an answer
 * makes it matter: plain chats never need it.
 */
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import { Class } from '../../../shared/json/json-tokens.ts'
import { answerValuesMax, mediaCountedMax, promptTokensPerMedium } from '../../../shared/limits/answers.ts'
import type { SpokenAnswer } from '../counting/spoken-answer.ts'

export interface Asked {
  /** Choices of an answer, 1 unless the client asked for more. */
  choices: number
  /** Embeddings that must come back; null when that is not known. */
  inputs: number | null
  /** Numbers of each of them, when the client asked for so many. */
  dimensions: number | null
  /** Images, sounds and files, up to a bound. */
  media: number
  /** Bytes of the request that they take. */
  mediaBytes: number
  /** The most tokens that one choice may have; null when the client set no limit. */
  answerTokens: number | null
}

/** Whoever carries an answer knows the request, or can find it. */
export interface AskedSource {
  /** Bytes of the request that was sent. */
  readonly requestBytes: number
  asked(): Asked
  /** Counts what an attempt answers, for a receipt; null where there will be none. */
  counted?(): SpokenAnswer | null
}

/** When the request cannot be read here, nothing is held against the answer. */
export const askedUnknown: Asked = {
  ...{ choices: 1, inputs: null, dimensions: null, media: 0, mediaBytes: 0, answerTokens: null },
}

const fields = new FieldNames(['n', 'input', 'dimensions', 'messages', 'max_tokens', 'max_completion_tokens'])
const inMessage = new FieldNames(['content'])
const inPart = new FieldNames(['type'])
/** A request may hold more values than an answer: each of them was read by the client edge already. */
const valuesMax = 4 * answerValuesMax
const scan = new JsonScan()

export function askedOf(request: Uint8Array): Asked {
  const asked: Asked = { ...askedUnknown }
  if (!scan.begin(request, valuesMax) || !scan.enterObject()) return { ...askedUnknown }
  while (scan.nextField()) {
    switch (scan.fieldIn(fields)) {
      case 0:
        asked.choices = numberHere() ?? 1
        break
      case 1:
        asked.inputs = inputsHere()
        break
      case 2:
        asked.dimensions = numberHere()
        break
      case 3:
        mediaHere(asked)
        break
      case 4:
      case 5:
        asked.answerTokens = numberHere() ?? asked.answerTokens
        break
      default:
        scan.skip()
    }
  }
  return scan.end() ? asked : { ...askedUnknown }
}

function numberHere(): number | null {
  if (scan.next === Class.number) return scan.number()
  scan.skip()
  return null
}

/** A text or a list of tokens is one input; of any other list each item is one. */
function inputsHere(): number | null {
  if (scan.next === Class.text) return scan.skip() ? 1 : null
  if (!scan.enterList()) return null
  let items = 0
  let isTokens = false
  while (scan.nextItem()) {
    isTokens ||= scan.next === Class.number
    items++
    scan.skip()
  }
  return isTokens ? 1 : items
}

function mediaHere(asked: Asked): void {
  if (!scan.enterList()) return
  while (scan.nextItem()) {
    if (!scan.enterObject()) {
      scan.skip()
      continue
    }
    while (scan.nextField()) {
      if (scan.fieldIn(inMessage) === 0 && scan.next === Class.list) partsHere(asked)
      else scan.skip()
    }
  }
}

function partsHere(asked: Asked): void {
  scan.enterList()
  while (scan.nextItem()) {
    const { at } = scan
    let isMedium = false
    if (!scan.enterObject()) {
      scan.skip()
      continue
    }
    while (scan.nextField()) {
      if (scan.fieldIn(inPart) === 0 && scan.text()) isMedium = scan.slice(scan.textStart, scan.textEnd) !== 'text'
      else scan.skip()
    }
    if (!isMedium) continue
    asked.media = Math.min(mediaCountedMax, asked.media + 1)
    asked.mediaBytes += scan.at - at
  }
}

/**
 * The part of a claim about prompt tokens that a request can have cost: a token for each byte of its text, and so many
 * for each medium. The request is read only where the claim makes it matter.
 */
export function believedPromptTokens(claim: number, source: AskedSource): number {
  const { requestBytes } = source
  // Media are worth far fewer tokens than they have bytes: in what is short, and claims no more than texts have, there
  // is nothing to find.
  const plain = requestBytes <= smallRequestBytes ? requestBytes : requestBytes / bytesPerTokenUsual
  if (claim <= plain) return claim
  const { media, mediaBytes } = source.asked()
  return Math.min(claim, Math.max(0, requestBytes - mediaBytes) + media * promptTokensPerMedium)
}

const bytesPerTokenUsual = 3
const smallRequestBytes = 4_096
