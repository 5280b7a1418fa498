/**
 * What a settled answer says, for whoever hands it on: the next task of a scroll, a control node, a client that is
 * given the text alone. Of a long answer only as much is read as lies before its text, and the text is all that is
 * decoded. Answers come here after they were checked, or made by the hub itself.
 */
import { answerValuesMax } from '../limits/answers.ts'
import { FieldNames } from './field-names.ts'
import { JsonScan } from './json-scan.ts'
import { Class } from './json-tokens.ts'

const inAnswer = new FieldNames(['choices', 'data'])
const inChoice = new FieldNames(['message'])
const inMessage = new FieldNames(['content'])

const scan = new JsonScan()

interface Found {
  /** Of the first choice. */
  text: string | null
  /** JSON of what there is instead: content that is no text, then embeddings, then the message. */
  content: string | null
  data: string | null
  message: string | null
}

const nothing: Found = { text: null, content: null, data: null, message: null }

/** The text of the first choice, or else what there is as JSON. */
export function textOf(answer: Uint8Array): string {
  const { text, content, data, message } = foundIn(answer)
  return text ?? content ?? data ?? message ?? 'null'
}

function foundIn(answer: Uint8Array): Found {
  const found: Found = { ...nothing }
  if (scan.begin(answer, answerValuesMax) && scan.enterObject()) walk(found)
  // Of what cannot be read nothing is handed on.
  const isRead = found.text !== null || !scan.failed
  scan.end()
  return isRead ? found : nothing
}

function walk(found: Found): void {
  while (found.text === null && scan.nextField()) {
    const field = scan.fieldIn(inAnswer)
    if (field === 0) firstChoice(found)
    else if (field === 1) found.data = jsonHere()
    else scan.skip()
  }
}

function firstChoice(found: Found): void {
  if (!scan.enterList()) return void scan.skip()
  if (!scan.nextItem()) return
  if (!scan.enterObject()) scan.skip()
  else
    while (scan.nextField()) {
      if (scan.fieldIn(inChoice) !== 0) scan.skip()
      else messageHere(found)
      if (found.text !== null) return
    }
  while (scan.nextItem()) scan.skip()
}

function messageHere(found: Found): void {
  const { at } = scan
  if (!scan.enterObject()) {
    scan.skip()
    return
  }
  while (scan.nextField()) {
    if (scan.fieldIn(inMessage) !== 0) scan.skip()
    else if (scan.next === Class.text) {
      if (scan.text()) found.text = scan.plainText(scan.textStart, scan.textEnd)
      return
    } else found.content = jsonHere()
  }
  if (!scan.failed) found.message = scan.slice(at, scan.at)
}

/** The value here as it is written; null for null, and for what is none. */
function jsonHere(): string | null {
  const { at, isNull } = scan
  return scan.skip() && !isNull ? scan.slice(at, scan.at) : null
}
