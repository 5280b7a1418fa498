/**
 * Answers of models in a file, one JSON object a line: what a calibration has so far, so that it goes on where it was,
 * and what somebody recorded elsewhere. Lines are added as answers come; one that a crash cut off is passed over.
 */
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { calibrationFileBytesMax } from '../../../shared/limits/trust/calibration.ts'

export class AnswersFile {
  readonly answers = new Map<string, string>()
  /** Lines that are no answers. */
  unread = 0

  constructor(private readonly path: string) {}

  /** null, or a sentence that says what is wrong. */
  read(): string | null {
    if (!existsSync(this.path)) return null
    if (statSync(this.path).size > calibrationFileBytesMax) return `${this.path} is too large to be a file of answers.`
    for (const line of readFileSync(this.path, 'utf8').split('\n')) {
      if (line.trim() === '') continue
      const answer = readLine(line)
      if (answer === null) this.unread++
      else this.answers.set(answer.id, answer.text)
    }
    return null
  }

  add(id: string, text: string): void {
    this.answers.set(id, text)
    // What a crash cut off before is not continued.
    appendFileSync(this.path, `${this.unread > 0 ? '\n' : ''}${JSON.stringify({ id, text })}\n`)
    this.unread = 0
  }
}

function readLine(line: string): { id: string; text: string } | null {
  try {
    const { id, text } = JSON.parse(line) as { id?: unknown; text?: unknown }
    return typeof id === 'string' && typeof text === 'string' ? { id, text } : null
  } catch {
    return null
  }
}
