/**
 * What happens to an intent, as server-sent events. Pull-style: what the client does not read stays with the engine.
 * The stream ends after `done`; one that ends before was broken off, and the client comes back with the id of the last
 * event it has, in `Last-Event-ID` or `last_event_id`. A client that has had `done` hears 204, which tells it to stop.
 */
import type { IntentEvent, IntentEvents } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { baseHeaders, streamHeaders } from '../response/response.ts'
import { AnswerWatch } from '../streaming/answer-watch.ts'
import { StallTimer, streamed } from '../streaming/pull-stream.ts'
import { noSuchIntent, viewerOf } from './intents.ts'

const keepAlive = Buffer.from(': keep-alive\n\n')

export function followIntent(context: RequestContext): Response {
  const { edge, params, id, request } = context
  const events = edge.intents.events(params.id, viewerOf(context), lastEventId(request))
  if (events === undefined) return noSuchIntent(context)
  const first = events.take()
  const isOver = first?.ended === true && first.events.length === 0
  // Nobody reads the body of an answer to HEAD.
  if (isOver || request.method === 'HEAD') {
    events.close()
    const headers = isOver ? baseHeaders(id, 'text/plain') : streamHeaders(id)
    return new Response(null, { status: isOver ? 204 : 200, headers })
  }
  return streamed(context, new EventStream(context, events, first))
}

function lastEventId(request: Request): string | null {
  return request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('last_event_id')
}

type Part = NonNullable<ReturnType<IntentEvents['take']>>

class EventStream {
  private isOpen = true
  private readonly watch: AnswerWatch
  private readonly stall: StallTimer

  constructor(
    private readonly context: RequestContext,
    private readonly events: IntentEvents,
    /** Taken before the stream began, for the first pull. */
    private first: Part | null,
  ) {
    const { edge, request } = context
    const watched = { readable: () => events.readable(), abandon: () => events.close() }
    this.watch = new AnswerWatch(watched, edge.system, request.signal)
    this.stall = new StallTimer(context, () => this.close(499))
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.stall.stop()
    try {
      const bytes = await this.nextBytes()
      // A client that left has taken its stream along.
      if (bytes === null) return this.cancel()
      if (bytes.byteLength > 0) controller.enqueue(bytes)
    } catch (error) {
      const { edge, id } = this.context
      edge.log.error({ err: error, requestId: id }, 'a stream of events broke')
      this.close(500)
    }
    if (this.isOpen) this.stall.start()
    else controller.close()
  }

  cancel(): void {
    this.stall.stop()
    this.close(499)
  }

  private async nextBytes(): Promise<Uint8Array | null> {
    for (;;) {
      if (!this.isOpen) return null
      const part = this.first ?? this.events.take()
      this.first = null
      if (part !== null) return this.bytesOf(part)
      const sign = await this.watch.next(this.context.edge.settings.keepAliveMs)
      if (sign === 'timeUp') return keepAlive
      if (sign === 'gone') return null
    }
  }

  private bytesOf({ events, ended }: Part): Uint8Array {
    if (ended) this.close(200)
    return Buffer.from(events.map(eventText).join(''))
  }

  private close(status: number): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.watch.leave()
    this.stall.end()
    this.context.ended(status)
  }
}

function eventText({ id, type, data }: IntentEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`
}
