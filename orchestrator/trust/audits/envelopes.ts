/**
 * How requests for a model look from outside: their fields, their order, their parameters. A probe takes the look of a
 * real request of some client and only its own question, so that nothing but the question tells it from one. Requests
 * of one short turn without tools, formats or other wishes serve; where none has been seen, a plain one does. Pure;
 * fed with answered requests, which are JSON that was checked when it came in.
 */
import { envelopeBytesMax, envelopesKept } from '../../../shared/limits/trust/audits.ts'

/** Fields that a probe may take over; a request with any other is not taken as an example. */
const known = new Set(['model', 'messages', 'stream', 'temperature', 'top_p', 'stream_options', 'max_tokens'])
/** With fewer the answer may end before its number. */
const tokensMin = 256

interface Envelope {
  fields: Record<string, unknown>
  stream: boolean
}

export class Envelopes {
  private readonly newest: Envelope[] = []

  /** Takes an answered request as an example, if it serves as one. */
  note(request: Uint8Array, stream: boolean): void {
    if (request.length > envelopeBytesMax) return
    const fields = JSON.parse(Buffer.from(request).toString('utf8')) as Record<string, unknown>
    if (!isPlain(fields)) return
    if (this.newest.length >= envelopesKept) this.newest.shift()
    this.newest.push({ fields, stream })
  }

  /** A request for this model that asks the question and looks like one of the examples. */
  request(model: string, question: string, unit: number): { body: Uint8Array; stream: boolean } {
    const example = this.newest[Math.floor(unit * this.newest.length)]
    const messages = [{ role: 'user', content: question }]
    const fields = example === undefined ? { model, messages, stream: true } : { ...example.fields, model, messages }
    return { body: Buffer.from(JSON.stringify(fields)), stream: example?.stream ?? true }
  }
}

function isPlain(fields: Record<string, unknown>): boolean {
  const { messages, max_tokens: most } = fields
  if (Object.keys(fields).some((name) => !known.has(name))) return false
  if (typeof most === 'number' && most < tokensMin) return false
  if (!Array.isArray(messages) || messages.length !== 1) return false
  const [turn] = messages as { role?: unknown; content?: unknown }[]
  return turn?.role === 'user' && typeof turn.content === 'string' && Object.keys(turn).length === 2
}
