/**
 * Reads a streamed answer: bytes of server-sent events into parsed chunks. It takes what services write in practice:
 * any line ends, comments, data lines without an empty line between them, and `[DONE]`, whose absence tells a finished
 * answer from a cut one. Everything is bounded: one event, the whole stream, and how much may come that is no answer.
 * `service-provider.ts` reads from it and charges the events that turn out to be empty.
 */
import { fault } from '../../../shared/faults.ts'
import {
  providerStreamBytesMax,
  uselessBytesMax,
  uselessBytesPerSecond,
  uselessLineBytes,
} from '../../../shared/limits/provider.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { System } from '../../../shared/system.ts'
import { ProviderError } from '../provider.ts'

export interface StreamedEvent {
  data: unknown
  /** Characters of its data. */
  size: number
  /** Whether the service calls it an error. */
  isError: boolean
}

/** How a stream ended, and what came that is no event. */
export type Ending = 'done' | 'cut'

/** What may come beside an answer: a stock, and a rate at which it fills again. Keep-alives use little of it. */
export class UselessBudget {
  #left = uselessBytesMax
  #atMs: number

  constructor(private readonly system: System) {
    this.#atMs = system.nowMs()
  }

  /** Throws a ProviderError when more came than is taken. */
  charge(bytes: number): void {
    this.#left -= bytes + uselessLineBytes
    if (this.#left >= 0) return
    const nowMs = this.system.nowMs()
    const filled = ((nowMs - this.#atMs) / 1_000) * uselessBytesPerSecond
    this.#left = Math.min(uselessBytesMax, this.#left + filled)
    this.#atMs = nowMs
    if (this.#left >= 0) return
    throw tooLarge(`${uselessBytesMax} bytes that are no answer`)
  }
}

function tooLarge(what: string): ProviderError {
  return new ProviderError(fault('answer_too_large', `the provider sent more than ${what}`))
}

export class EventStream {
  /** `done` once the service has said that its answer is complete. */
  ending: Ending = 'cut'
  /** The first line that is none of an event's, for a better error: a web page, or plain JSON. */
  stray = ''
  #bytes = 0
  /** Pieces of the line that has not ended. */
  #line: string[] = []
  #lineChars = 0
  #endedWithReturn = false
  /** Data lines that are no JSON each by itself. */
  #data: string[] = []
  #dataChars = 0
  #isError = false

  constructor(
    private readonly body: ReadableStream<Uint8Array>,
    readonly budget: UselessBudget,
    private readonly alive: () => void,
  ) {}

  /** Ends with the stream or with `[DONE]`; leaving it early lets go of the connection. Throws SyntaxError for no JSON. */
  async *events(signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const reader = this.body.getReader()
    const decoder = new TextDecoder()
    const letGo = () => void reader.cancel().catch(() => undefined)
    signal.addEventListener('abort', letGo, { once: true })
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        this.alive()
        this.#bytes += value.length
        if (this.#bytes > providerStreamBytesMax) throw tooLarge(`${providerStreamBytesMax} bytes as one stream`)
        for (const line of this.#lines(decoder.decode(value, { stream: true }))) {
          const event = this.#read(line)
          if (this.ending === 'done') return
          if (event !== null) yield event
        }
      }
      // The last event may lack its empty line.
      const event = this.#read(this.#line.join('')) ?? this.#read('')
      if (event !== null) yield event
    } finally {
      signal.removeEventListener('abort', letGo)
      letGo()
    }
  }

  /** The lines that this text completes; a return and the feed after it are one end. */
  #lines(text: string): string[] {
    const from = this.#endedWithReturn && text.startsWith('\n') ? 1 : 0
    if (text.length > 0) this.#endedWithReturn = text.endsWith('\r')
    const pieces = (from === 0 ? text : text.slice(1)).split(/\r\n|\n|\r/)
    const last = pieces.pop()!
    if (pieces.length > 0) {
      pieces[0] = this.#line.join('') + pieces[0]!
      this.#line = []
      this.#lineChars = 0
    }
    if (last !== '') this.#line.push(last)
    this.#lineChars += last.length
    if (this.#lineChars + this.#dataChars > bodyBytesMax)
      throw tooLarge(`${bodyBytesMax} bytes as one event of its stream`)
    return pieces
  }

  #read(line: string): StreamedEvent | null {
    if (line === '') {
      if (this.#data.length > 0) return this.#joined()
      this.budget.charge(0)
      return null
    }
    const [, field, value] = /^(data|event|id|retry|)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'data') return this.#readData(value ?? '')
    if (field === 'event' && value === 'error') this.#isError = true
    else if (field === undefined && this.stray === '') this.stray = line.slice(0, 64)
    this.budget.charge(line.length)
    return null
  }

  #readData(text: string): StreamedEvent | null {
    if (text.trim() === '[DONE]') {
      this.ending = 'done'
      return null
    }
    if (this.#data.length === 0) {
      try {
        return this.#event(JSON.parse(text), text.length)
      } catch {
        // It may go on in the next line.
      }
    }
    this.#data.push(text)
    this.#dataChars += text.length
    return null
  }

  #joined(): StreamedEvent | null {
    const text = this.#data.join('\n')
    this.#data = []
    this.#dataChars = 0
    if (text.trim() === '') {
      this.budget.charge(text.length)
      return null
    }
    return this.#event(JSON.parse(text), text.length)
  }

  #event(data: unknown, size: number): StreamedEvent {
    const isError = this.#isError
    this.#isError = false
    return { data, size, isError }
  }
}
