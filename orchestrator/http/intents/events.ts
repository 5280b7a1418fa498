/**
 * The events of an intent as server-sent events; what the client does not read stays with the engine. The stream ends
 * after `done`. One that ends earlier was broken off, and the client resumes it with the id of the last event it has
 * in `Last-Event-ID` or `last_event_id`. A client that has received `done` gets 204, which stops it from reconnecting.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IntentEvent, IntentEvents } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { baseHeaders, faultBody, streamHeaders } from '../response/response.ts'
import { PullStream, type StreamContent } from '../streaming/pull-stream.ts'
import { noSuchIntent, viewerOf } from './intents.ts'

const keepAlive = Buffer.from(': keep-alive\n\n')

export function followIntent(context: RequestContext): Response {
  const { edge, params, id, request } = context
  const viewer = viewerOf(context)
  const view = viewer === null ? edge.intents.intent(params.id, viewer) : undefined
  if (view !== undefined) context.noteLook(view.id, view.tenant)
  const events = edge.intents.events(params.id, viewer, lastEventId(context))
  if (events === undefined) return noSuchIntent(context)
  const first = events.take()
  const isOver = first?.ended === true && first.events.length === 0
  // Nobody reads the body of an answer to HEAD.
  if (isOver || request.method === 'HEAD') {
    events.close()
    const headers = isOver ? baseHeaders(id, 'text/plain') : streamHeaders(id)
    return new Response(null, { status: isOver ? 204 : 200, headers })
  }
  return new PullStream(context, new EventEncoder(events), first).respond()
}

function lastEventId({ request, query }: RequestContext): string | null {
  return request.headers.get('last-event-id') ?? query.get('last_event_id')
}

type Part = NonNullable<ReturnType<IntentEvents['take']>>

class EventEncoder implements StreamContent<Part> {
  readonly name = 'stream of events'

  constructor(private readonly events: IntentEvents) {}

  take(): Part | null {
    return this.events.take()
  }

  readable(): Promise<void> {
    return this.events.readable()
  }

  isLast({ ended }: Part): boolean {
    return ended
  }

  release(): void {
    this.events.close()
  }

  opening(): null {
    return null
  }

  encode({ events }: Part): Uint8Array | null {
    return events.length === 0 ? null : Buffer.from(events.map(eventText).join(''))
  }

  keepAlive(): Uint8Array {
    return keepAlive
  }

  /** A stream that ends before `done` is resumed by its client, unless its key does not count any more. */
  failure(why: Fault): Uint8Array | null {
    return why.code === 'invalid_api_key' ? Buffer.from(`event: error\ndata: ${faultBody(why)}\n\n`) : null
  }

  stalled(): null {
    return null
  }
}

function eventText({ id, type, data }: IntentEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`
}
