/**
 * Where the large values of one JSON document begin and end, taken down by a scan that passes over all of it in slices
 * (`sliced-scan.ts`), for a second scan that walks along the structure and leaps over them (`json-scan.ts`). Only
 * values that take a while to pass, and only so deep as a walk ever goes.
 */
import { answerDepthMax, answerSpanBytesMin, answerSpanLevels } from '../limits/answers.ts'
import { bodyBytesMax } from '../limits/wire.ts'

/** As many values of that size as there can be on each level, and one on each that is not over. */
const spansMax = answerSpanLevels * (bodyBytesMax / answerSpanBytesMin + 1)

export class JsonSpans {
  /** In the order in which they begin. */
  private readonly starts = new Int32Array(spansMax)
  private readonly ends = new Int32Array(spansMax)
  private readonly counts = new Int32Array(spansMax)
  private length = 0
  /** Of the value that is under way on each level: its place above, and what the scan still allowed when it began. */
  private readonly places = new Int32Array(answerDepthMax + 1)
  private readonly values = new Int32Array(answerDepthMax + 1)
  private readonly parts = new Int32Array(answerDepthMax + 1)
  /** Where the walk is. */
  private cursor = 0

  get size(): number {
    return this.length
  }

  clear(): void {
    this.length = 0
    this.cursor = 0
  }

  /** A value begins; `values` and `parts` are those that may still come. */
  open(level: number, start: number, values: number, parts: number): void {
    if (level >= answerSpanLevels) return
    if (this.length === spansMax) throw new Error('a document holds more large values than its bytes allow')
    this.places[level] = this.length
    this.values[level] = values
    this.parts[level] = parts
    this.starts[this.length] = start
    this.length++
  }

  /** The value of this level ends. One that is short is forgotten: what is in it is shorter still. */
  close(level: number, end: number, values: number, parts: number): void {
    if (level >= answerSpanLevels) return
    const place = this.places[level]!
    if (end - this.starts[place]! < answerSpanBytesMin) {
      this.length = place
      return
    }
    this.ends[place] = end
    // All that is no number is a part.
    this.counts[place] = parts === this.parts[level] ? this.values[level]! - values : -1
  }

  /** Begins a walk from the front. */
  rewind(): void {
    this.cursor = 0
  }

  /** The place of the value that begins here, -1 when it was not taken down. A walk asks in the order of the bytes. */
  find(start: number): number {
    const { starts, length } = this
    while (this.cursor < length && starts[this.cursor]! < start) this.cursor++
    return this.cursor < length && starts[this.cursor] === start ? this.cursor : -1
  }

  endOf(place: number): number {
    return this.ends[place]!
  }

  /** How many numbers it holds and nothing else; -1 when it holds anything else. */
  numbersOf(place: number): number {
    return this.counts[place]!
  }
}
