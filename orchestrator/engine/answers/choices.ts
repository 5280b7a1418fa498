/**
 * Which choices of one streamed answer have begun and which have ended, so that an answer that is not complete does not
 * pass for one. The attempt stream has one; the check of each line reports what the line says.
 */
import type { AskedSource } from './asked.ts'

export class Choices {
  /** The line under way; a choice may be in it once. */
  private line = 0
  /** Of the first choice, which is the only one of almost every answer: the last line of it, and whether it ended. */
  private firstLine = 0
  private firstEnded = false
  /** Of the others; null until one comes. */
  private lastLine: Uint32Array | null = null
  private hasEnded: Uint8Array | null = null
  /** Choices that have begun and not ended. */
  private open = 0
  private ended = 0

  constructor(private readonly source: AskedSource) {}

  nextLine(): void {
    this.line++
  }

  /** The line has a part of this choice; false when it cannot. */
  part(index: number): boolean {
    if (index === 0) {
      if (this.firstLine === this.line) return false
      if (this.firstLine === 0) this.open++
      this.firstLine = this.line
      return true
    }
    const lines = this.others()
    if (!(index > 0 && index < lines.length) || lines[index] === this.line) return false
    if (lines[index] === 0) this.open++
    lines[index] = this.line
    return true
  }

  /** The line ends this choice. */
  end(index: number): void {
    const wasEnded = index === 0 ? this.firstEnded : this.hasEnded![index] === 1
    if (wasEnded) return
    if (index === 0) this.firstEnded = true
    else this.hasEnded![index] = 1
    this.open--
    this.ended++
  }

  /** Something has ended, and nothing that began has not. Some engines give fewer choices than they were asked for. */
  get isComplete(): boolean {
    return this.ended > 0 && this.open === 0
  }

  private others(): Uint32Array {
    if (this.lastLine === null) {
      const choices = Math.max(1, Math.floor(this.source.asked().choices) || 1)
      this.lastLine = new Uint32Array(choices)
      this.hasEnded = new Uint8Array(choices)
    }
    return this.lastLine
  }
}
