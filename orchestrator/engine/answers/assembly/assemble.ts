/**
 * The whole answer from its streamed lines: what a client would have got had it not asked for a stream. Durable tasks
 * are always streamed by their scout, so that events can show progress; what is stored as their result is made here.
 * The lines have been checked by `answer-check.ts` before, but only as far as clients need it: inside a delta anything
 * may be anything, and what does not fit is left out. Nothing is decoded: texts in pieces are joined as they are
 * written, and the rest is copied.
 */
import { FieldNames } from '../../../../shared/json/field-names.ts'
import { JsonScan } from '../../../../shared/json/json-scan.ts'
import { Class } from '../../../../shared/json/json-tokens.ts'
import { answerLineValuesMax, answerValuesMax } from '../../../../shared/limits/answers.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { ToolCalls } from './tool-calls.ts'

const inLine = new FieldNames(['choices'])
const inChoice = new FieldNames(['index', 'delta', 'finish_reason', 'logprobs'])
const inLogprobs = new FieldNames(['content', 'refusal'])
const inTail = new FieldNames(['usage'])

const quote = Buffer.from('"')
const comma = Buffer.from(',')
const nothing: Uint8Array = new Uint8Array(0)

/** A line and what of it is read a second time: the index of a choice may stand behind its delta. */
const scan = new JsonScan()
const inner = new JsonScan()

/** A field of the message so far: JSON, the inside of a text, or tool calls. */
type Field = Uint8Array | GrowingBytes | ToolCalls

interface Choice {
  index: number
  message: Map<string, Field>
  /** JSON. */
  finishReason: Uint8Array
  /** Items of `content` and `refusal`, with commas between them; null where there was no list. */
  logprobs: (GrowingBytes | null)[] | null
}

export class AnswerAssembly {
  private readonly choices = new Map<number, Choice>()
  private isWell = true

  /** The next line, which stays as it is until `result` is called. */
  add(line: Uint8Array): void {
    if (!this.isWell) return
    this.isWell = scan.begin(line, answerLineValuesMax) && scan.enterObject()
    while (this.isWell && scan.nextField()) {
      if (scan.fieldIn(inLine) !== 0 || !scan.enterList()) scan.skip()
      else while (scan.nextItem()) this.addChoice(line)
    }
    this.isWell = scan.end() && this.isWell
  }

  /**
   * JSON of the answer without the hub's own fields; `tail` is the settled end of the stream, with usage if known. Null
   * when a line could not be read.
   */
  result(tail: Uint8Array): Uint8Array | null {
    const usage = usageIn(tail)
    if (!this.isWell || usage === null) return null
    const out: Uint8Array[] = [Buffer.from('{"choices":[')]
    const ordered = [...this.choices.values()].sort((a, b) => a.index - b.index)
    for (const [place, choice] of ordered.entries()) {
      if (place > 0) out.push(comma)
      writeChoice(choice, out)
    }
    out.push(Buffer.from(usage.length > 0 ? '],"usage":' : ']'), usage, Buffer.from('}'))
    return Buffer.concat(out)
  }

  private addChoice(line: Uint8Array): void {
    let index = -1
    let delta = nothing
    let logprobs = nothing
    let finishReason = nothing
    if (!scan.enterObject()) return void scan.skip()
    while (scan.nextField()) {
      const field = scan.fieldIn(inChoice)
      const { at } = scan
      const isText = scan.next === Class.text
      if (field === 0) index = scan.number()
      else scan.skip()
      const value = line.subarray(at, scan.at)
      if (field === 1) delta = value
      else if (field === 2 && isText) finishReason = value
      else if (field === 3) logprobs = value
    }
    if (scan.failed) return
    const choice = this.choiceAt(index)
    if (finishReason.length > 0) choice.finishReason = finishReason
    addDelta(choice.message, delta)
    addLogprobs(choice, logprobs)
  }

  private choiceAt(index: number): Choice {
    let choice = this.choices.get(index)
    if (choice === undefined) {
      const role: [string, Field] = ['role', Buffer.from('"assistant"')]
      const message = new Map<string, Field>([role, ['content', Buffer.from('null')]])
      choice = { index, message, finishReason: Buffer.from('null'), logprobs: null }
      this.choices.set(index, choice)
    }
    return choice
  }
}

/** Text comes in pieces; everything else (role, audio ids …) comes whole, the last word counts. */
function addDelta(message: Map<string, Field>, delta: Uint8Array): void {
  if (!inner.begin(delta, answerLineValuesMax) || !inner.enterObject()) return
  while (inner.nextField()) {
    const name = inner.fieldName()
    if (name === 'tool_calls' && inner.next === Class.list) {
      let calls = message.get(name)
      if (!(calls instanceof ToolCalls)) {
        calls = new ToolCalls()
        message.set(name, calls)
      }
      calls.add(inner, delta)
      continue
    }
    const { at, isNull } = inner
    const isText = inner.next === Class.text
    if (!inner.skip()) return
    if (isNull || name === 'tool_calls') continue
    if (!isText || name === 'role') message.set(name, delta.subarray(at, inner.at))
    else addText(message, name, delta)
  }
}

function addText(message: Map<string, Field>, name: string, delta: Uint8Array): void {
  let text = message.get(name)
  if (!(text instanceof GrowingBytes)) {
    text = new GrowingBytes()
    message.set(name, text)
  }
  text.append(delta, inner.textStart, inner.textEnd)
}

function addLogprobs(choice: Choice, logprobs: Uint8Array): void {
  if (!inner.begin(logprobs, answerLineValuesMax) || !inner.enterObject()) return
  choice.logprobs ??= [null, null]
  while (inner.nextField()) {
    const field = inner.fieldIn(inLogprobs)
    if (field < 0 || !inner.enterList()) {
      inner.skip()
      continue
    }
    choice.logprobs[field] ??= new GrowingBytes()
    const items = choice.logprobs[field]!
    while (inner.nextItem()) {
      const { at } = inner
      if (!inner.skip()) return
      if (items.length > 0) items.append(comma, 0, 1)
      items.append(logprobs, at, inner.at)
    }
  }
}

/** JSON of the usage, empty when there is none; null when the tail cannot be read so far. */
function usageIn(tail: Uint8Array): Uint8Array | null {
  let usage = nothing
  if (!scan.begin(tail, answerValuesMax) || !scan.enterObject()) return null
  while (usage.length === 0 && scan.nextField()) {
    const isUsage = scan.fieldIn(inTail) === 0
    const { at } = scan
    if (scan.skip() && isUsage) usage = tail.subarray(at, scan.at)
  }
  return scan.failed ? null : usage
}

function writeChoice({ index, message, finishReason, logprobs }: Choice, out: Uint8Array[]): void {
  out.push(Buffer.from(`{"index":${index},"message":{`))
  let isFirst = true
  for (const [name, field] of message) {
    out.push(Buffer.from(`${isFirst ? '' : ','}${JSON.stringify(name)}:`))
    isFirst = false
    if (field instanceof ToolCalls) field.write(out)
    else if (field instanceof GrowingBytes) out.push(quote, field.whole(), quote)
    else out.push(field)
  }
  out.push(Buffer.from('},"finish_reason":'), finishReason, Buffer.from(',"logprobs":'))
  if (logprobs === null) out.push(Buffer.from('null}'))
  else {
    const [content, refusal] = logprobs as [GrowingBytes | null, GrowingBytes | null]
    out.push(Buffer.from('{"content":'), ...listOf(content), Buffer.from(',"refusal":'), ...listOf(refusal))
    out.push(Buffer.from('}}'))
  }
}

function listOf(items: GrowingBytes | null): Uint8Array[] {
  return items === null ? [Buffer.from('null')] : [Buffer.from('['), items.whole(), Buffer.from(']')]
}
