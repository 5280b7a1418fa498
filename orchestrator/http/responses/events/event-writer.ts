/**
 * Server-sent events of a response, numbered. The events of an answer that is followed once are numbered one by one. An
 * answer that may be followed again, from any event on, is numbered by the length of its texts: however they come in
 * pieces then, the same place has the same number.
 */
type Json = Record<string, unknown>

export type Numbering = 'single' | 'repeatable'

export class EventWriter {
  private next = 0
  private text = ''

  constructor(
    private readonly numbering: Numbering,
    /** Events up to this number are left out. */
    private readonly after = -1,
  ) {}

  /** An event; of a growing text, `delta` is its next piece. */
  readonly emit = (type: string, fields: Json, delta?: string): void => {
    if (delta === undefined) this.write(this.next++, type, fields)
    else if (this.numbering === 'single') this.write(this.next++, type, { ...fields, delta })
    else this.piece(type, fields, delta)
  }

  /** What was written since the last call. */
  take(): string {
    const { text } = this
    this.text = ''
    return text
  }

  /** Numbered by its last character; of a piece that is partly known already, the rest. */
  private piece(type: string, fields: Json, delta: string): void {
    const first = this.next
    this.next += delta.length
    const known = Math.max(0, this.after - first + 1)
    this.write(this.next - 1, type, { ...fields, delta: delta.slice(known) })
  }

  private write(number: number, type: string, fields: Json): void {
    if (number <= this.after) return
    this.text += `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number, ...fields })}\n\n`
  }
}
