/**
 * Reads a streamed answer as the bytes arrive, so that a test can look at it while it is under way: text, what ended
 * it, and every comment. It judges nothing.
 */
import { createHash } from 'node:crypto'
import { Conditions } from '../clocks/conditions.ts'
import type { Json } from '../providers/provider-calls.ts'

export class StreamReader {
  /** The data events, in order, without `[DONE]`. */
  readonly events: Json[] = []
  text = ''
  finishes: string[] = []
  /** The error event, if one came. */
  error: Json | null = null
  isDone = false
  comments = 0
  isOver = false
  /** How the connection failed, if it did, or what broke the form. */
  flaw: string | null = null
  private readonly conditions = new Conditions()

  constructor(response: Response) {
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new Error(`no stream was answered, but status ${response.status}`)
    }
    const ended = (error?: unknown) => {
      if (error !== undefined) this.flaw = String(error)
      this.isOver = true
      this.conditions.changed()
    }
    this.read(response.body!).then(() => ended(), ended)
  }

  /** Resolves once `met` holds. */
  async until(what: string, met: (reader: this) => boolean): Promise<this> {
    await this.conditions.until(what, () => met(this) || (this.isOver && this.fail(what)))
    return this
  }

  /** Resolves once the first content has come. */
  content(): Promise<this> {
    return this.until('the first content', () => this.text !== '')
  }

  /** Resolves once the stream has ended, however it did. */
  async over(): Promise<this> {
    await this.conditions.until('the end of a stream', () => this.isOver)
    return this
  }

  get hash(): string {
    return hashOf(this.text)
  }

  private fail(what: string): never {
    throw new Error(`the stream ended before ${what}: ${this.flaw ?? JSON.stringify(this.error)}`)
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const bytes of body) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) this.take(block)
      this.conditions.changed()
    }
    if (rest !== '') throw new Error(`the stream ended inside an event: ${rest}`)
  }

  private take(block: string): void {
    if (this.isDone || this.error !== null) throw new Error(`something follows the last event: ${block}`)
    if (block.startsWith(':')) {
      this.comments++
      return
    }
    const data = block.slice('data: '.length)
    if (data === '[DONE]') {
      this.isDone = true
      return
    }
    const event = JSON.parse(data) as Json
    this.events.push(event)
    if (event.error !== undefined) this.error = event.error
    for (const choice of event.choices ?? []) {
      this.text += choice.delta.content ?? ''
      if (choice.finish_reason) this.finishes.push(choice.finish_reason)
    }
  }
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
