/**
 * Passes over one large document in slices, each short enough for a turn of the loop, and takes down where its large
 * values stand. It holds the document to the same bounds as a scan in one go; what the document says is read
 * afterwards, by a walk that leaps over what was passed here. Whoever holds one finishes a document before it begins
 * the next.
 */
import { JsonScan } from './json-scan.ts'
import { JsonSpans } from './json-spans.ts'
import { Class, endOfString } from './json-tokens.ts'

export class SlicedScan extends JsonScan {
  readonly spans = new JsonSpans()
  /** Where the text goes on that the last slice ended in; -1 when it ended in none. */
  private textAt = -1

  override begin(bytes: Uint8Array, valuesMax: number): boolean {
    this.spans.clear()
    this.textAt = -1
    return super.begin(bytes, valuesMax)
  }

  /** Goes on for about so many bytes. False while there is more; then `end` says whether all was well. */
  pass(bytesMax: number): boolean {
    const until = this.at + bytesMax
    while (!this.failed) {
      if (this.textAt >= 0) {
        if (!this.restOfText(until)) return this.failed
      } else if (this.at >= until) return false
      else if (!this.value(until)) return this.failed
      if (this.leave()) return true
    }
    return true
  }

  /** Passes over what begins here; false when it goes on behind `until`, or is none. */
  private value(until: number): boolean {
    const { at, depth, spans } = this
    const found = this.next
    if (!this.counted()) return false
    if (found === Class.object || found === Class.list) {
      if (!this.enter(found === Class.object ? 1 : 0)) return false
      spans.open(depth, at, this.valuesLeft, this.partsLeft)
      return true
    }
    if (found === Class.number) return this.numberRun(until)
    if (found !== Class.text) return this.scalar(found)
    if (--this.partsLeft < 0) return this.fail()
    spans.open(depth, at, this.valuesLeft, this.partsLeft)
    this.textAt = at + 1
    return this.restOfText(until)
  }

  private restOfText(until: number): boolean {
    const end = endOfString(this.bytes, this.textAt - 1, Math.min(until, this.bytes.length))
    if (end === -1) return this.fail()
    if (end < 0) {
      this.textAt = -2 - end
      this.at = this.textAt
      return false
    }
    this.textAt = -1
    this.at = end
    this.spans.close(this.depth, end, this.valuesLeft, this.partsLeft)
    return true
  }

  /** To the next value, out of everything that ends here. True when that is the document, or something is wrong. */
  private leave(): boolean {
    while (!this.failed && this.depth > 0) {
      const isObject = this.isObject[this.depth - 1] === 1
      if (isObject ? this.nextField() : this.nextItem()) return false
      if (!this.failed) this.spans.close(this.depth, this.at, this.valuesLeft, this.partsLeft)
    }
    return true
  }
}
