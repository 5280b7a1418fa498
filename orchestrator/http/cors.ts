/**
 * Which pages of other origins may use this hub from a browser (CORS): answers preflight requests, and adds to
 * responses the headers that let such a page read them. The server calls it for every request; the origins are the
 * operator's, in CORS_ORIGINS. Browsers are never told that they may send cookies along: callers are known by the key
 * in their request.
 */
import { fault, plainMessage } from '../../shared/faults.ts'
import { preflightKeptSeconds } from '../../shared/limits/http.ts'
import { anyOrigin } from '../../shared/network/web-origin.ts'
import { baseHeaders, refuse } from './response/response.ts'

/** What a page may read of a response beside its body and the few headers that are always readable. */
const exposed = [
  'x-request-id',
  'request-id',
  'x-chasm',
  'retry-after',
  'retry-after-ms',
  'idempotent-replayed',
  'allow',
  'www-authenticate',
].join(', ')
/** More than the routes have: a page that uses a wrong one is to read why it was refused. */
const methods = 'GET, HEAD, POST, DELETE, PUT, PATCH'
const headerNames = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/

/** Whether a browser asks, before its page's request, if it may send that. */
export function isPreflight({ method, headers }: Request): boolean {
  return method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method')
}

export class Cors {
  private readonly origins: ReadonlySet<string>
  private readonly allowsAll: boolean

  /** As browsers write them; none: no page of another origin may do anything. */
  constructor(origins: readonly string[]) {
    this.origins = new Set(origins)
    this.allowsAll = this.origins.has(anyOrigin)
  }

  /** The answer to a preflight request, still without its mark. Any header is allowed: none of them grants anything. */
  preflight({ headers }: Request, requestId: string): Response {
    const origin = headers.get('origin')!
    if (!this.allowsAll && !this.origins.has(origin)) {
      const text = `Pages of ${origin} may not use this orchestrator: its operator can name them in CORS_ORIGINS.`
      return refuse(requestId, fault('permission_denied', plainMessage(text)))
    }
    const asked = headers.get('access-control-request-headers') ?? ''
    const { 'content-type': _, ...base } = baseHeaders(requestId, '')
    return new Response(null, {
      status: 204,
      headers: {
        ...base,
        'access-control-allow-methods': methods,
        ...(headerNames.test(asked) && { 'access-control-allow-headers': asked }),
        'access-control-max-age': String(preflightKeptSeconds),
        vary: 'Access-Control-Request-Headers',
      },
    })
  }

  /**
   * Lets the page that sent this request read the response, when it may. With `*` that is only so where a key is
   * required: what is open to everyone in this network is not meant for every page that somebody in it looks at.
   */
  mark(request: Request, response: Response, isOpen: boolean): void {
    // The runtime makes headers into an object when they are first asked for.
    if (this.origins.size === 0) return
    const { headers } = response
    headers.append('vary', 'Origin')
    const origin = request.headers.get('origin')
    if (origin === null || (this.allowsAll ? isOpen : !this.origins.has(origin))) return
    headers.set('access-control-allow-origin', this.allowsAll ? anyOrigin : origin)
    headers.set('access-control-expose-headers', exposed)
  }
}
