/**
 * Counts a request for its receipt: the bytes of its texts as they stand in it, its media, and what makes it equal to
 * others. One scan of bytes that the client edge has checked; nothing is built of them. Whoever carries an answer asks
 * once for each request that is sent. A long request is counted in steps, a slice of it in each turn.
 */
import { createHash } from 'node:crypto'
import { sha256 } from '../../../shared/answers/sha256.ts'
import { copyBytes, Scratch } from '../../../shared/json/byte-part.ts'
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import type { JsonSpans } from '../../../shared/json/json-spans.ts'
import { Class } from '../../../shared/json/json-tokens.ts'
import { SlicedScan } from '../../../shared/json/sliced-scan.ts'
import { answerValuesMax, mediaCountedMax } from '../../../shared/limits/answers.ts'
import { bytesPerUnit, countSliceBytes } from '../../../shared/limits/ledger/ledger.ts'
import type { RequestCount } from '../ports/ledger/work.ts'
import { countedOfLong } from './filler.ts'

const fields = new FieldNames(['messages', 'input', 'max_tokens', 'max_completion_tokens', 'n'])
const inMessage = new FieldNames(['content'])
const inPart = new FieldNames(['type', 'text'])
/** A request may hold more values than an answer: each of them was read by the client edge already. */
const valuesMax = 4 * answerValuesMax
const scan = new JsonScan()
const comma = 0x2c

/** Texts of requests are put here behind one another and hashed together: a view of each would cost more. */
const texts = new Scratch(4_096)
/** Between two of them; no byte of UTF-8. */
const textEnds = 0xff

/** Of the request under way. */
let textBytes = 0
let media = 0
let textsHash = 0n
/** Bytes of its texts that are not hashed yet. */
let waiting = 0
let tokensMax: number | null = null
let choices = 1

/** Whether it takes more than one step. */
export function isLongRequest(body: Uint8Array): boolean {
  return body.length > countSliceBytes
}

export function countRequest(body: Uint8Array): RequestCount {
  return countTexts(body, null, sha256(body))
}

/** The same in steps: what is large in it is passed first, and leapt over when it is read. */
export function* countInSteps(body: Uint8Array): Generator<void, RequestCount> {
  const hash = createHash('sha256')
  for (let from = 0; from < body.length; from += countSliceBytes) {
    hash.update(body.subarray(from, from + countSliceBytes))
    yield
  }
  const digest = new Uint8Array(hash.digest())
  const sliced = new SlicedScan()
  if (!sliced.begin(body, valuesMax)) return nothingIn(digest)
  yield
  while (!sliced.pass(countSliceBytes)) yield
  if (!sliced.end()) return nothingIn(digest)
  yield
  return countTexts(body, sliced.spans, digest)
}

/** Of more lists, objects, fields and texts than are read of a request nothing counts. */
function nothingIn(digest: Uint8Array): RequestCount {
  return { digest, textBytes: 0, media: 0, textsHash: 0, answerUnitsMax: null }
}

function countTexts(body: Uint8Array, known: JsonSpans | null, digest: Uint8Array): RequestCount {
  textBytes = 0
  media = 0
  textsHash = 0n
  waiting = 0
  tokensMax = null
  choices = 1
  walk(body, known)
  scan.end()
  hashWaiting()
  const counted = countedOfLong(body, textBytes)
  return {
    digest,
    textBytes: counted,
    media,
    // As exact as a number can be: two requests that meet here by chance cost each other a few points.
    textsHash: Number(textsHash & 0x1f_ffff_ffff_ffffn),
    answerUnitsMax: tokensMax === null ? null : tokensMax * choices,
  }
}

function walk(body: Uint8Array, known: JsonSpans | null): void {
  if (!scan.begin(body, valuesMax, known, true) || !scan.enterObject()) return
  while (scan.nextField()) {
    const field = scan.fieldIn(fields)
    if (field === 0) messages(body)
    else if (field === 1) input(body)
    else if (field < 0 || scan.next !== Class.number) scan.skip()
    else if (field === 4) choices = Math.max(1, wholeNumber())
    else tokensMax = Math.max(0, wholeNumber())
  }
}

function wholeNumber(): number {
  const number = Math.floor(scan.number())
  return Number.isSafeInteger(number) ? number : 0
}

function messages(body: Uint8Array): void {
  if (!scan.enterList()) return void scan.skip()
  while (scan.nextItem()) {
    if (!scan.enterObject()) {
      scan.skip()
      continue
    }
    while (scan.nextField()) {
      if (scan.fieldIn(inMessage) !== 0) scan.skip()
      else if (scan.next === Class.list) parts(body)
      else text(body)
    }
  }
}

/** A text is counted, a part of another kind is a medium. */
function parts(body: Uint8Array): void {
  scan.enterList()
  while (scan.nextItem()) {
    if (!scan.enterObject()) {
      scan.skip()
      continue
    }
    let isText = false
    while (scan.nextField()) {
      const field = scan.fieldIn(inPart)
      if (field === 1) text(body)
      else if (field === 0 && scan.text()) isText = scan.slice(scan.textStart, scan.textEnd) === 'text'
      else scan.skip()
    }
    if (!isText) media = Math.min(mediaCountedMax, media + 1)
  }
}

/** A text, texts, or tokens, of which each counts as much as a unit. */
function input(body: Uint8Array): void {
  if (!scan.enterList()) return text(body)
  while (scan.nextItem()) {
    if (scan.next === Class.list) textBytes += Math.max(0, scan.numbers()) * bytesPerUnit
    else if (scan.next === Class.number) textBytes += numbersHere(body) * bytesPerUnit
    else text(body)
  }
}

/** Numbers in a row are passed over together, as far as they go. */
function numbersHere(body: Uint8Array): number {
  const { at } = scan
  scan.skip()
  let numbers = 1
  for (let place = body.indexOf(comma, at); place >= 0 && place < scan.at; place = body.indexOf(comma, place + 1))
    numbers++
  return numbers
}

function text(body: Uint8Array): void {
  if (scan.next !== Class.text || !scan.text()) return void scan.skip()
  const { textStart, textEnd } = scan
  textBytes += textEnd - textStart
  for (let at = textStart; at < textEnd; ) {
    if (waiting === texts.bytes.length) hashWaiting()
    const part = Math.min(textEnd - at, texts.bytes.length - waiting)
    copyBytes(body, at, at + part, texts.bytes, waiting)
    waiting += part
    at += part
  }
  if (waiting === texts.bytes.length) hashWaiting()
  texts.bytes[waiting++] = textEnds
}

function hashWaiting(): void {
  if (waiting > 0) textsHash = Bun.hash.wyhash(texts.first(waiting), textsHash)
  waiting = 0
}
