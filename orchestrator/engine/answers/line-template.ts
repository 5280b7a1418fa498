/**
 * What the lines of one stream have in common. A model's tokens arrive in lines that differ in one text and in nothing
 * else, so a line that was inspected is kept, and of one that is like it only that text has to be read. A match is the
 * verdict of a full inspection: every other byte is the same, and the text is held to the same rules. The check of
 * answers teaches it, the attempt stream asks it before it has a line inspected.
 */
import { isUtf8 } from 'node:buffer'
import { ownPart } from '../../../shared/json/byte-part.ts'
import { endOfString } from '../../../shared/json/json-tokens.ts'
import { lineTemplateBytesMax } from '../../../shared/limits/answers.ts'

const nothing = new Uint8Array(0)

export class LineTemplate {
  /** Empty before the first line was learnt. */
  private line: Uint8Array = nothing
  /** Of the text: behind its opening quote, and at its closing one. */
  textStart = 0
  private textEnd = 0
  /** How many lines were learnt. */
  lessons = 0

  /** A line that passed: one choice, content, no finish reason. Its text stands between two quotes and is not empty. */
  learn(line: Uint8Array, textStart: number, textEnd: number): void {
    if (line.length > lineTemplateBytesMax) return
    this.line = ownPart(line)
    this.lessons++
    this.textStart = textStart
    this.textEnd = textEnd
  }

  /**
   * Whether this is the line that was learnt, but for a text that need not be the same and is not empty either. The
   * line is `length` bytes long; what follows it is not looked at, but must be UTF-8 as well.
   */
  fits(line: Uint8Array, length = line.length): boolean {
    const { line: known, textStart, textEnd } = this
    const longer = length - known.length
    // Before anything was learnt the two are 0.
    if (textEnd === textStart || textEnd + longer <= textStart) return false
    for (let at = 0; at < textStart; at++) if (line[at] !== known[at]) return false
    if (endOfString(line, textStart - 1) !== textEnd + longer + 1) return false
    for (let at = textEnd; at < known.length; at++) if (line[at + longer] !== known[at]) return false
    return isUtf8(line)
  }

  /** Where the text ends in a line of this length that fits. */
  textEndOf(length: number): number {
    return this.textEnd + length - this.line.length
  }
}
