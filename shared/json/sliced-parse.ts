/**
 * `JSON.parse` for a document that is too long for one turn of the loop: it makes the same of the same bytes, and
 * refuses the same, in steps that are short whatever the document is like. A scan finds the values that are whole
 * within a slice, and the runtime parses those together; what is larger is opened, and read on from inside. The client
 * edge reads large requests with it, having measured their depth.
 */
import { jsonDepthMax, jsonSliceBytes, jsonTextPieceBytes } from '../limits/http.ts'
import { endOfString } from './json-tokens.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openList = 0x5b
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/** A piece of a text is so many times as long where it only has to be decoded. */
const plainFactor = 8

type Container = unknown[] | Record<string, unknown>

// A byte order mark is kept, and so refused by the parser.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The value, after any number of steps. Throws a `SyntaxError` for what is no JSON, a `TypeError` for what is no UTF-8.
 * `sliceBytes`: how much one step looks at; more only of a text, `pieceBytes` at a time.
 */
export function* parseInSlices(
  bytes: Uint8Array,
  sliceBytes = jsonSliceBytes,
  pieceBytes = jsonTextPieceBytes,
): Generator<void, unknown> {
  const parse = new SlicedParse(bytes, sliceBytes, pieceBytes)
  while (!(yield* parse.slice())) yield
  return parse.value()
}

/** Where the innermost open container goes on: before its first value, behind a comma, or behind a value. */
type Place = 'first' | 'next' | 'behind'

class SlicedParse {
  /** The document is the only element of a list around it. */
  private readonly root: unknown[] = []
  private readonly open: Container[] = [this.root]
  private at = 0
  private place: Place = 'first'
  /** What the last scan found, by the levels below the innermost open container: openings, and last commas or -1. */
  private readonly openings = new Int32Array(jsonDepthMax + 3)
  private readonly commas = new Int32Array(jsonDepthMax + 3)
  /** Of the last text that was scanned: its quotes. */
  private textStart = 0
  private textEnd = 0

  constructor(
    private readonly bytes: Uint8Array,
    private readonly sliceBytes: number,
    private readonly pieceBytes: number,
  ) {}

  value(): unknown {
    if (this.root.length !== 1) throw notJson()
    return this.root[0]
  }

  /** Reads on; true at the end of the document. */
  *slice(): Generator<void, boolean> {
    yield* this.skipBlanks()
    if (this.place === 'behind') return this.goOn()
    const { levels, end } = yield* this.scan()
    if (end !== null && this.isShort(end)) {
      yield* this.take(end, this.place === 'next')
      return this.close()
    }
    for (let level = 0; ; level++) {
      const last = this.commas[level]!
      if (last >= 0) {
        yield* this.take(last, true)
        this.at = last + 1
        this.place = 'next'
      }
      if (level === levels) return false
      this.enter(this.openings[level + 1]!)
    }
  }

  private *skipBlanks(): Generator<void, void> {
    const { bytes, pieceBytes } = this
    while (isBlank(bytes[this.at])) if (++this.at % pieceBytes === 0) yield
  }

  /** Behind a value that was opened and is over. */
  private goOn(): boolean {
    if (this.bytes[this.at] !== comma) return this.close()
    this.at++
    this.place = 'next'
    return false
  }

  /**
   * From here to the end of the innermost open container, or as far as a slice goes and a value or an opening lies
   * before. `end`: of that container, null where it is further away; `levels`: how many are open below it then.
   */
  private *scan(): Generator<void, { levels: number; end: number | null }> {
    const { bytes, commas, openings } = this
    let levels = 0
    commas[0] = -1
    const until = this.at + this.sliceBytes
    let pauseAt = until + this.pieceBytes
    for (let at = this.at; at < bytes.length; at++) {
      if (at >= until && (levels > 0 || commas[0]! >= 0)) return { levels, end: null }
      if (at >= pauseAt) {
        pauseAt = at + this.pieceBytes
        yield
      }
      const byte = bytes[at]!
      if (byte === quote) {
        this.textStart = at
        this.textEnd = yield* this.endOfText(at)
        at = this.textEnd - 1
      } else if (byte === comma) commas[levels] = at
      else if (byte === openList || byte === openObject) {
        if (++levels + this.open.length > jsonDepthMax + 1) throw notJson()
        openings[levels] = at
        commas[levels] = -1
      } else if (byte === closeList || byte === closeObject) {
        if (levels === 0) return { levels, end: at }
        levels--
      }
    }
    if (levels > 0) throw notJson()
    return { levels, end: bytes.length }
  }

  /** Behind the closing quote of the text that begins here. */
  private *endOfText(start: number): Generator<void, number> {
    for (let from = start; ; yield) {
      const end = endOfString(this.bytes, from, from + 1 + this.pieceBytes)
      if (end >= 0) return end
      if (end === -1) throw notJson()
      // It looks at what follows the byte it is given.
      from = -3 - end
    }
  }

  /** Whether the rest of a container is to be read at once: not when a long text follows other values. */
  private isShort(end: number): boolean {
    return this.commas[0]! < 0 || end - this.at <= 2 * this.sliceBytes
  }

  /** Puts the values up to there into the innermost open container. */
  private *take(to: number, isAny: boolean): Generator<void, void> {
    const { at, bytes, pieceBytes } = this
    this.at = to
    let end = to
    while (end > at && isBlank(bytes[end - 1])) if (--end % pieceBytes === 0) yield
    if (this.isLongText(at, end)) return yield* this.takeText(at)
    const found = this.parsed(this.text(at, end))
    const names = Array.isArray(found) ? null : Object.keys(found)
    if (isAny && (names ?? (found as unknown[])).length === 0) throw notJson()
    if (names === null) for (const value of found as unknown[]) this.put('', value)
    else for (const name of names) this.put(name, (found as Record<string, unknown>)[name])
  }

  /** Whether these bytes are one value that is a long text. A text longer than a slice has nothing behind it there. */
  private isLongText(at: number, end: number): boolean {
    const { textStart, textEnd, sliceBytes, pieceBytes } = this
    return textStart >= at && textEnd === end && textEnd - textStart > sliceBytes + pieceBytes
  }

  private *takeText(at: number): Generator<void, void> {
    const { textStart, textEnd } = this
    // With an empty text in its place.
    const name = this.onlyName(`${this.text(at, textStart)}""`)
    this.put(name, yield* this.longText(textStart + 1, textEnd - 1))
  }

  /** What stands between these places of a text, piece by piece; what it holds without escapes is what it says. */
  private *longText(start: number, end: number): Generator<void, string> {
    const { bytes } = this
    const isPlain = !bytes.subarray(start, end).includes(backslash)
    const pieceBytes = isPlain ? plainFactor * this.pieceBytes : this.pieceBytes
    const pieces: string[] = []
    for (let from = start; from < end; ) {
      let to = Math.min(end, from + pieceBytes)
      // Between two characters of JSON, and then of UTF-8, which has three bytes at most behind the first.
      const found = isPlain || to === end ? -2 - to : endOfString(bytes, from - 1, to)
      to = found < 0 ? -2 - found : end
      for (let more = 0; more < 3 && to < end && (bytes[to]! & 0xc0) === 0x80; more++) to++
      const piece = this.text(from, to)
      pieces.push(isPlain ? piece : (JSON.parse(`"${piece}"`) as string))
      from = to
      yield
    }
    return pieces.length === 1 ? pieces[0]! : pieces.join('')
  }

  /** Opens a value of the innermost open container, which is the innermost one from now on. */
  private enter(opening: number): void {
    // With an empty list in its place.
    const name = this.onlyName(`${this.text(this.at, opening)}[]`)
    const value: Container = this.bytes[opening] === openList ? [] : {}
    this.put(name, value)
    this.open.push(value)
    this.at = opening + 1
    this.place = 'first'
  }

  /** Closes the innermost open container; true when that was the document's end. */
  private close(): boolean {
    const { bytes, at } = this
    const container = this.open.pop()
    this.at++
    this.place = 'behind'
    if (container === this.root) {
      if (at < bytes.length) throw notJson()
      return true
    }
    if (bytes[at] !== (Array.isArray(container) ? closeList : closeObject)) throw notJson()
    return false
  }

  /** The name of the only field that the text is, or the place of the only value. */
  private onlyName(text: string): string {
    const [name, ...others] = Object.keys(this.parsed(text))
    if (name === undefined || others.length > 0) throw notJson()
    return name
  }

  /** Values, or fields, as the innermost open container may have them. */
  private parsed(text: string): Container {
    return JSON.parse(Array.isArray(this.open.at(-1)) ? `[${text}]` : `{${text}}`) as Container
  }

  private put(name: string, value: unknown): void {
    const container = this.open.at(-1)!
    if (Array.isArray(container)) container.push(value)
    else if (name !== '__proto__') container[name] = value
    // A field like all others, as the parser has it.
    else Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true })
  }

  private text(start: number, end: number): string {
    return utf8.decode(this.bytes.subarray(start, end))
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function notJson(): SyntaxError {
  return new SyntaxError('not JSON')
}
