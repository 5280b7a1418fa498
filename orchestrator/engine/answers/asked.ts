/**
 * What a request asked for, as far as its answer has to fit: how many choices, how many embeddings and of what size,
 * and how many prompt tokens an answer may claim to have read. Read out of the request's bytes, and only when an answer
 * makes it matter: plain chats never need it.
 */
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import { Class } from '../../../shared/json/json-tokens.ts'
import {
  answerValuesMax,
  mediaCountedMax,
  promptTokensAdded,
  promptTokensPerMedium,
} from '../../../shared/limits/answers.ts'

export interface Asked {
  /** Choices of an answer, 1 unless the client asked for more. */
  choices: number
  /** Embeddings that must come back; null when that is not known. */
  inputs: number | null
  /** Numbers of each of them, when the client asked for so many. */
  dimensions: number | null
  /** Images, sounds and files, up to a bound. */
  media: number
}

/** Whoever carries an answer knows the request, or can find it. */
export interface AskedSource {
  /** Bytes of the request that was sent. */
  readonly requestBytes: number
  asked(): Asked
}

/** When the request cannot be read here, nothing is held against the answer. */
export const askedUnknown: Asked = { choices: 1, inputs: null, dimensions: null, media: 0 }

const fields = new FieldNames(['n', 'input', 'dimensions', 'messages'])
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
        asked.media = mediaHere()
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

function mediaHere(): number {
  let media = 0
  if (!scan.enterList()) return 0
  while (scan.nextItem()) {
    if (!scan.enterObject()) {
      scan.skip()
      continue
    }
    while (scan.nextField()) {
      if (scan.fieldIn(inMessage) === 0 && scan.next === Class.list) media += partsHere()
      else scan.skip()
    }
  }
  return Math.min(media, mediaCountedMax)
}

function partsHere(): number {
  let media = 0
  scan.enterList()
  while (scan.nextItem()) {
    if (!scan.enterObject()) {
      scan.skip()
      continue
    }
    while (scan.nextField()) {
      if (scan.fieldIn(inPart) === 0 && scan.text())
        media += scan.slice(scan.textStart, scan.textEnd) === 'text' ? 0 : 1
      else scan.skip()
    }
  }
  return media
}

/** The part of a claim about prompt tokens that a request can have cost; the request is read only when it matters. */
export function believedPromptTokens(claim: number, source: AskedSource): number {
  const plain = source.requestBytes + promptTokensAdded
  return claim <= plain ? claim : Math.min(claim, plain + source.asked().media * promptTokensPerMedium)
}
