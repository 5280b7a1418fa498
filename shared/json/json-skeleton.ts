/**
 * A JSON document read without its long values: they stay bytes where they are, and a short mark takes the place of
 * each. What reads and changes the rest parses `text`; `piecesOf` puts the bytes back in. So a request of many
 * megabytes, nearly all of them one image or a few long texts, is rewritten without being decoded, parsed or written
 * again. Scouts read large requests with it. All that is done for each byte is a native search: no compiler helps a
 * scout (`scout/executable.ts`).
 */

/** What a mark begins with, which JSON can only write as an escape. A number follows: the place of the value. */
const markText = '\u0001'
const markWritten = String.raw`\u0001`
const markBytes = Buffer.from(markWritten)

const quote = 0x22
const backslash = 0x5c
const openList = 0x5b
const closeList = 0x5d

/** Bytes of a text that `beginningOf` looks at: longer than any address is. */
const beginningBytes = 8_192

export class JsonSkeleton {
  /** The document with its marks. */
  readonly text: string
  /** The values that were taken out, in order, as views of the bytes. */
  private readonly values: Buffer[] = []
  private readonly bytes: Buffer

  /**
   * Takes out the strings, and lists of nothing but numbers, that have `longBytes` or more. Bytes that are no JSON make
   * a text that is none, or pass through as they are inside of a long value.
   */
  constructor(bytes: Uint8Array, longBytes: number) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.text = longBytes > bytes.length ? this.bytes.toString() : this.withoutLong(longBytes)
  }

  /** The document that `json` was made of `text`, changed or not, as bytes with the long values in their places. */
  piecesOf(json: string): Uint8Array[] {
    const begin = `"${markWritten}`
    const pieces: Uint8Array[] = []
    let from = 0
    for (let at = json.indexOf(begin); at >= 0; at = json.indexOf(begin, at + 1)) {
      const end = json.indexOf('"', at + begin.length)
      const value = this.valueBehind(json.slice(at + begin.length, end))
      if (value === undefined) continue
      pieces.push(Buffer.from(json.slice(from, at)), value)
      from = end + 1
    }
    pieces.push(Buffer.from(json.slice(from)))
    return pieces
  }

  /** How the text begins that this string of the parsed document is or stands for. Throws SyntaxError for no JSON. */
  beginningOf(text: string): string {
    const value = text.startsWith(markText) ? this.valueBehind(text.slice(markText.length)) : undefined
    if (value === undefined) return text
    if (value[0] !== quote) return ''
    const written = value.toString('utf8', 1, Math.min(beginningBytes, value.length - 1))
    // The cut may go through an escape, of which up to five characters are left then.
    for (let cut = 0; ; cut++) {
      try {
        return JSON.parse(`"${written.slice(0, written.length - cut)}"`) as string
      } catch (error) {
        if (cut === 5) throw error
      }
    }
  }

  /** By the number behind a mark; undefined for what is none. */
  private valueBehind(digits: string): Buffer | undefined {
    const at = Number(digits)
    return String(at) === digits ? this.values[at] : undefined
  }

  private withoutLong(longBytes: number): string {
    const { bytes } = this
    let text = ''
    let from = 0
    let at = 0
    const takeOut = (start: number, end: number) => {
      text += `${bytes.toString('utf8', from, start)}"${markWritten}${this.values.length}"`
      this.values.push(bytes.subarray(start, end))
      from = end
    }
    // A text that holds what a mark begins with is taken out at any length, so that only marks do.
    let nextMark = bytes.indexOf(markBytes)
    for (;;) {
      const start = bytes.indexOf(quote, at)
      const between = start < 0 ? bytes.length : start
      if (between - at >= longBytes) longLists(bytes.subarray(at, between), at, longBytes, takeOut)
      const end = start < 0 ? -1 : endOfText(bytes, start)
      if (end < 0) return text + bytes.toString('utf8', from)
      while (nextMark >= 0 && nextMark < start) nextMark = bytes.indexOf(markBytes, start)
      if (end - start >= longBytes || (nextMark >= 0 && nextMark < end)) takeOut(start, end)
      at = end
    }
  }
}

/** Behind the closing quote of the text that begins here; -1 when it has none. */
function endOfText(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let escapes = 0
    while (bytes[at - 1 - escapes] === backslash) escapes++
    if (escapes % 2 === 0) return at + 1
  }
  return -1
}

/** Calls `found` for each long list without lists in it; `part` holds no quotes and begins at `offset`. */
function longLists(part: Buffer, offset: number, longBytes: number, found: (start: number, end: number) => void): void {
  let open = part.indexOf(openList)
  let close = part.indexOf(closeList, Math.max(open, 0))
  while (open >= 0 && close >= 0) {
    const next = part.indexOf(openList, open + 1)
    if ((next < 0 || next > close) && close + 1 - open >= longBytes) found(offset + open, offset + close + 1)
    open = next
    if (close < open) close = part.indexOf(closeList, open)
  }
}
