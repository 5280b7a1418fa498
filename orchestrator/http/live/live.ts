/**
 * `GET /v1/live?topics=a,b`: the topics as server-sent events, each whole and at most once a second, or as one JSON
 * object for a caller that polls. `GET /v1/hub` tells anybody how many scouts and models there are. What the topics say
 * is in `topics.ts`, who gets what and when in `live-feed.ts`.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { livePollMs } from '../../../shared/limits/http.ts'
import type { RequestContext } from '../request-context.ts'
import { faultBody, jsonResponse, refuse, streamHeaders } from '../response/response.ts'
import { PullStream, type StreamContent } from '../streaming/pull-stream.ts'
import type { LiveFeed, Watcher } from './live-feed.ts'
import { hubNow } from './topics.ts'

const keepAlive = Buffer.from(': keep-alive\n\n')
const tooMany = fault(
  'rate_limited',
  'There are as many live feeds as there may be: ask for JSON every 10 s instead.',
  {
    retryAfterMs: livePollMs,
  },
)

export function showHub({ id, edge }: RequestContext): Response {
  const builds = edge.builds?.list().map(({ platform }) => platform) ?? []
  return jsonResponse(id, JSON.stringify({ object: 'hub', ...hubNow(edge.engine), scout_builds: builds }))
}

export function followLive(context: RequestContext): Response {
  const { id, edge, caller, request, query } = context
  const names = [...new Set((query.get('topics') ?? '').split(','))]
  const unknown = names.find((name) => !Object.hasOwn(edge.topics, name))
  if (unknown !== undefined) {
    const known = Object.keys(edge.topics).join(', ')
    return refuse(id, fault('invalid_request', `\`topics\` must be some of ${known}.`, { param: 'topics' }))
  }
  if (caller!.role !== 'admin' && names.some((name) => edge.topics[name]!.isForAdmins)) {
    return refuse(id, fault('permission_denied', 'This topic needs an admin: leave it out.', { param: 'topics' }))
  }
  if (!(request.headers.get('accept') ?? '').includes('text/event-stream')) {
    const now = Object.fromEntries(names.map((name) => [name, edge.live.now(name, caller!.tenant)]))
    return jsonResponse(id, JSON.stringify(now), 200, { 'cache-control': 'no-store' })
  }
  // Nobody reads the body of an answer to HEAD.
  if (request.method === 'HEAD') return new Response(null, { headers: streamHeaders(id) })
  // A session's tabs share their feeds, and not those of whoever else has its key.
  const watcher = edge.live.watch(names, context.session?.digest ?? caller!.id, caller!.tenant)
  if (watcher === null) return refuse(id, tooMany)
  return new PullStream(context, new FeedContent(edge.live, watcher)).respond()
}

class FeedContent implements StreamContent<Uint8Array> {
  readonly name = 'live feed'

  constructor(
    private readonly feed: LiveFeed,
    private readonly watcher: Watcher,
  ) {}

  take(): Uint8Array | null {
    return this.watcher.take()
  }

  readable(): Promise<void> {
    return this.watcher.readable()
  }

  /** It goes on until its reader leaves. */
  isLast(): boolean {
    return false
  }

  release(): void {
    this.feed.leave(this.watcher)
  }

  opening(): null {
    return null
  }

  encode(frames: Uint8Array): Uint8Array {
    return frames
  }

  keepAlive(): Uint8Array {
    return keepAlive
  }

  failure(why: Fault): Uint8Array {
    return Buffer.from(`event: error\ndata: ${faultBody(why)}\n\n`)
  }

  stalled(): null {
    return null
  }
}
