/**
 * The tool calls of one choice as they come in pieces, put together by their index. An assembly hands in its scan at a
 * list of parts; what is no part of a call is left out, and so are calls beyond a bound.
 */
import { FieldNames } from '../../../../shared/json/field-names.ts'
import type { JsonScan } from '../../../../shared/json/json-scan.ts'
import { Class } from '../../../../shared/json/json-tokens.ts'
import { toolCallsMax } from '../../../../shared/limits/intents.ts'
import { GrowingBytes } from './growing-bytes.ts'

const inPart = new FieldNames(['index', 'id', 'type', 'function'])
const inFunction = new FieldNames(['name', 'arguments'])
const nothing: Uint8Array = new Uint8Array(0)

/** The insides of its texts. */
interface ToolCall {
  id: Uint8Array
  type: Uint8Array
  name: GrowingBytes
  arguments: GrowingBytes
}

/** Insides of the texts of one part; empty where it has none. */
interface Part {
  /** null when it names none. */
  index: number | null
  id: Uint8Array
  type: Uint8Array
  name: Uint8Array
  arguments: Uint8Array
}

export class ToolCalls {
  private readonly calls: ToolCall[] = []

  /** Takes the list of parts at which the scan of `source` stands. */
  add(scan: JsonScan, source: Uint8Array): void {
    scan.enterList()
    while (scan.nextItem()) {
      const part = partHere(scan, source)
      if (part !== null) this.take(part)
    }
  }

  private take(part: Part): void {
    const { calls } = this
    const at = part.index ?? calls.length
    // A stranger's number: it must not make the list grow.
    if (!Number.isInteger(at) || at < 0 || at > calls.length || at >= toolCallsMax) return
    const fresh = {
      id: nothing,
      type: Buffer.from('function'),
      name: new GrowingBytes(),
      arguments: new GrowingBytes(),
    }
    calls[at] ??= fresh
    const call = calls[at]
    if (part.id.length > 0) call.id = part.id
    if (part.type.length > 0) call.type = part.type
    call.name.append(part.name, 0, part.name.length)
    call.arguments.append(part.arguments, 0, part.arguments.length)
  }

  /** Appends the JSON of the list. */
  write(out: Uint8Array[]): void {
    out.push(Buffer.from('['))
    for (const [place, { id, type, name, arguments: said }] of this.calls.entries()) {
      out.push(Buffer.from(place === 0 ? '{"id":"' : ',{"id":"'), id, Buffer.from('","type":"'), type)
      out.push(Buffer.from('","function":{"name":"'), name.whole(), Buffer.from('","arguments":"'), said.whole())
      out.push(Buffer.from('"}}'))
    }
    out.push(Buffer.from(']'))
  }
}

/** The part here; null when it is none. */
function partHere(scan: JsonScan, source: Uint8Array): Part | null {
  const part: Part = { index: null, id: nothing, type: nothing, name: nothing, arguments: nothing }
  if (!scan.enterObject()) {
    scan.skip()
    return null
  }
  while (scan.nextField()) {
    switch (scan.fieldIn(inPart)) {
      case 0:
        part.index = indexHere(scan)
        break
      case 1:
        part.id = textHere(scan, source)
        break
      case 2:
        part.type = textHere(scan, source)
        break
      case 3:
        functionHere(scan, source, part)
        break
      default:
        scan.skip()
    }
  }
  return scan.failed ? null : part
}

function indexHere(scan: JsonScan): number | null {
  if (scan.next === Class.number) return scan.number()
  const { isNull } = scan
  scan.skip()
  return isNull ? null : Number.NaN
}

function functionHere(scan: JsonScan, source: Uint8Array, part: Part): void {
  if (!scan.enterObject()) return void scan.skip()
  while (scan.nextField()) {
    const field = scan.fieldIn(inFunction)
    const text = textHere(scan, source)
    if (field === 0) part.name = text
    else if (field === 1) part.arguments = text
  }
}

/** The inside of the text here; empty when it is something else. */
function textHere(scan: JsonScan, source: Uint8Array): Uint8Array {
  const isText = scan.next === Class.text
  return scan.skip() && isText ? source.subarray(scan.textStart, scan.textEnd) : nothing
}
