/**
 * Is this an answer? What scouts send is forwarded as the very bytes they sent, so each line and each body is read
 * once, here, to make sure that a client can parse it too, that it has the form that was asked for, and that no field
 * of it is the hub's to write. Nothing is built of it: the facts are read by one scan. The attempt streams are the only
 * callers.
 */
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import type { JsonSpans } from '../../../shared/json/json-spans.ts'
import { Class } from '../../../shared/json/json-tokens.ts'
import { SlicedScan } from '../../../shared/json/sliced-scan.ts'
import {
  answerLineValuesMax,
  answerSliceBytes,
  answerUsageBytesMax,
  answerValuesMax,
} from '../../../shared/limits/answers.ts'
import { reservedFields } from '../../../shared/protocol/reserved-fields.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { type AskedSource, believedPromptTokens } from './asked.ts'
import type { Choices } from './choices.ts'
import { inspectEmbeddings } from './embeddings-check.ts'
import type { LineTemplate } from './line-template.ts'

export interface LineFacts {
  /** Something the client came for: text, a refusal, reasoning, audio or a tool call. */
  hasContent: boolean
  /** Ends a choice. */
  hasFinish: boolean
}

/** Tokens as the provider counted them, as far as they are believed; 0 when it did not say. */
interface Usage {
  promptTokens: number
  completionTokens: number
}

/** What is found in a settled body. */
export interface BodyFacts extends Usage {
  /** Where the text of an answer stands that says nothing but this one text; `textEnd` 0 where it is not so simple. */
  textStart: number
  textEnd: number
}

const openingBrace = 0x7b

const inLine = new FieldNames(['choices', ...reservedFields])
const inBody = new FieldNames(['choices', 'data', 'usage', ...reservedFields])
const inChoice = new FieldNames(['index', 'delta', 'finish_reason', 'message'])
/** The texts of an answer first; then what is content when it is filled; then what is content as an object. */
const inDelta = new FieldNames([
  ...['content', 'refusal', 'reasoning', 'reasoning_content'],
  ...['tool_calls', 'images'],
  ...['function_call', 'audio'],
])
const listsFrom = 4
const objectsFrom = 6
/** What an answer says, in the words of its message. */
const inMessage = new FieldNames(['content', 'refusal', 'tool_calls'])
const inUsage = new FieldNames(['prompt_tokens', 'completion_tokens'])

const scan = new JsonScan()
/** For one long body at a time. */
const sliced = new SlicedScan()

/** Of the line under way: the content that is a text, when there is any. */
const textOfLine = { start: 0, end: 0 }

/** Of the body under way: the one text of it, while there is no more than one of anything that may say something. */
const textOfBody = { start: 0, end: 0, isOne: true, messages: 0 }

/**
 * The facts about one streamed line, or null when it is no line of an answer. The template learns a line of which the
 * next ones of its stream are likely to differ in their text alone.
 */
export function inspectLine(line: Uint8Array, choices: Choices, template: LineTemplate): LineFacts | null {
  const facts = { hasContent: false, hasFinish: false }
  if (!beginsAnswer(line, answerLineValuesMax)) return null
  choices.nextLine()
  textOfLine.end = 0
  let count = 0
  while (scan.nextField()) {
    const field = scan.fieldIn(inLine)
    if (field > 0) return null
    if (field < 0) scan.skip()
    else if (!scan.enterList()) return null
    else
      while (scan.nextItem()) {
        if (!lineChoice(facts, choices)) return null
        count++
      }
  }
  if (!scan.end() || count === 0) return null
  const { start, end } = textOfLine
  if (count === 1 && end > 0 && !facts.hasFinish) template.learn(line, start, end)
  return facts
}

function lineChoice(facts: LineFacts, choices: Choices): boolean {
  let index = -1
  let hasDelta = false
  let ends = false
  if (!scan.enterObject()) return false
  while (scan.nextField()) {
    switch (scan.fieldIn(inChoice)) {
      case 0:
        index = scan.number()
        break
      case 1:
        if (!delta(facts)) return false
        hasDelta = true
        break
      case 2:
        if (scan.next === Class.text) ends = finishReason()
        else if (!isNull()) return false
        break
      default:
        scan.skip()
    }
  }
  if (!hasDelta || !Number.isInteger(index) || !choices.part(index)) return false
  if (ends) {
    choices.end(index)
    facts.hasFinish = true
  }
  return !scan.failed
}

/** A reason is a text that says something. */
function finishReason(): boolean {
  return scan.text() && (scan.textEnd > scan.textStart || scan.fail())
}

function isNull(): boolean {
  return scan.isNull && scan.skip()
}

function delta(facts: LineFacts): boolean {
  if (!scan.enterObject()) return false
  while (scan.nextField()) {
    const field = scan.fieldIn(inDelta)
    const found = scan.next
    const { at } = scan
    if (field === 0 && found !== Class.text && !scan.isNull) return false
    scan.skip()
    // An empty text and an empty list have two bytes, or space between them.
    const isFilled =
      found === Class.text ? scan.textEnd > scan.textStart : found === Class.list && scan.isFilledList(at)
    if (field >= objectsFrom ? found === Class.object : field >= 0 && isFilled) facts.hasContent = true
    if (field >= 0 && field < listsFrom && isFilled && found === Class.text) {
      textOfLine.start = scan.textStart
      textOfLine.end = scan.textEnd
    }
  }
  return !scan.failed
}

/**
 * The facts about a settlement's body, or null when that is no answer. No more completion tokens are believed than
 * there are bytes they could have come in (those of the body and `streamedBytes`), and no more prompt tokens than the
 * request can have cost. `known`: what was found of a long body as it was passed in slices.
 */
export function inspectBody(
  body: Uint8Array,
  kind: TaskKind,
  stream: boolean,
  source: AskedSource,
  streamedBytes = 0,
  known: JsonSpans | null = null,
): BodyFacts | null {
  if (!beginsAnswer(body, answerValuesMax, known)) return null
  const facts = { promptTokens: 0, completionTokens: 0, textStart: 0, textEnd: 0 }
  textOfBody.start = textOfBody.end = textOfBody.messages = 0
  textOfBody.isOne = true
  let hasItems = false
  while (scan.nextField()) {
    const field = scan.fieldIn(inBody)
    if (field > 2) return null
    if (field === 2) {
      if (!usageHere(facts)) return null
    } else if (field === (kind === 'embed' ? 1 : 0)) {
      if (!(kind === 'embed' ? inspectEmbeddings(scan, source.asked()) : wholeChoices(stream, source))) return null
      hasItems = true
    } else scan.skip()
  }
  if (!scan.end() || !hasItems) return null
  facts.completionTokens = Math.min(facts.completionTokens, body.length + streamedBytes)
  facts.promptTokens = believedPromptTokens(facts.promptTokens, source)
  if (textOfBody.isOne) {
    facts.textStart = textOfBody.start
    facts.textEnd = textOfBody.end
  }
  return facts
}

function wholeChoices(stream: boolean, source: AskedSource): boolean {
  if (!scan.enterList()) return false
  let hasFirst = false
  let others: Set<number> | null = null
  while (scan.nextItem()) {
    const index = stream ? -1 : wholeChoice()
    if (index < 0) return false
    if (index === 0 && !hasFirst) hasFirst = true
    else {
      // Of almost every answer there is one choice, the first.
      if (index === 0 || index >= source.asked().choices || others?.has(index)) return false
      others ??= new Set()
      others.add(index)
    }
  }
  return !scan.failed && (hasFirst || others !== null) !== stream
}

/** The index of the whole choice here, 0 when it has none; -1 when it is no choice. */
function wholeChoice(): number {
  let index = 0
  let hasMessage = false
  if (!scan.enterObject()) return -1
  while (scan.nextField()) {
    switch (scan.fieldIn(inChoice)) {
      case 0:
        index = scan.number()
        break
      case 2:
        if (scan.next === Class.text ? !finishReason() : !isNull()) return -1
        break
      case 3:
        if (!message()) return -1
        hasMessage = true
        textOfBody.messages++
        break
      default:
        scan.skip()
    }
  }
  // Of two messages, or two fields of one name, a reader of JSON takes the second: whoever counts such a body reads it.
  if (index !== 0 || textOfBody.messages > 1) textOfBody.isOne = false
  return hasMessage && !scan.failed && Number.isInteger(index) ? index : -1
}

function message(): boolean {
  if (!scan.enterObject()) return false
  while (scan.nextField()) {
    const field = scan.fieldIn(inMessage)
    if (field > 0 && saysNothing()) continue
    const isText = scan.next === Class.text
    if (field !== 0 || isText) scan.skip()
    else if (!isNull()) return false
    if (field < 0) continue
    if (field > 0 || !isText || textOfBody.end > 0) textOfBody.isOne = false
    textOfBody.start = scan.textStart
    textOfBody.end = scan.textEnd
  }
  return !scan.failed
}

/** Passes over null and an empty list, as most services write a refusal and tool calls that there are none of. */
function saysNothing(): boolean {
  const { at, isNull } = scan
  if (!isNull && (scan.next !== Class.list || scan.isFilledList(at))) return false
  return scan.skip()
}

function usageHere(usage: Usage): boolean {
  const { at } = scan
  if (!scan.enterObject()) return scan.skip()
  while (scan.nextField()) {
    const field = scan.fieldIn(inUsage)
    if (field >= 0 && scan.next === Class.number) {
      const tokens = tokenCount(scan.number())
      if (field === 0) usage.promptTokens = tokens
      else usage.completionTokens = tokens
    } else scan.skip()
  }
  return !scan.failed && scan.at - at <= answerUsageBytesMax
}

function tokenCount(claim: number): number {
  return claim > 0 ? Math.min(Math.floor(claim), Number.MAX_SAFE_INTEGER) : 0
}

/**
 * Passes over a long body, a slice in each step, before it is inspected; the next one must not begin before. What was
 * found, or null when it is no answer.
 */
export function* passBody(body: Uint8Array): Generator<void, JsonSpans | null> {
  if (!isOneObject(body) || !sliced.begin(body, answerValuesMax)) return null
  while (!sliced.pass(answerSliceBytes)) yield
  return sliced.end() ? sliced.spans : null
}

/**
 * Enters the object that can be spliced behind the hub's own fields: one line, opening with its brace, and not without
 * any field.
 */
function beginsAnswer(bytes: Uint8Array, valuesMax: number, known: JsonSpans | null = null): boolean {
  if (known === null && !isOneObject(bytes)) return false
  return scan.begin(bytes, valuesMax, known) && scan.enterObject()
}

function isOneObject(bytes: Uint8Array): boolean {
  return bytes[0] === openingBrace && !bytes.includes(0x0a) && !bytes.includes(0x0d)
}
