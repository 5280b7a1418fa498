/**
 * Whether a request comes from the hub's own page, at an address that is the hub's: what decides if a cookie counts and
 * if somebody may sign in. A foreign page cannot set these headers, and a foreign name that resolves to this machine is
 * none of the hub's.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Visitor } from '../../engine/ports/accounts.ts'
import type { RequestContext } from '../request-context.ts'
import { isJson } from '../schema/body.ts'

const otherHost = fault('permission_denied', "This address is not the hub's: set PUBLIC_URL to it.")
const otherPage = fault('permission_denied', "Send this from the hub's own page.")

type Page = Omit<Visitor, 'address'>

/** The page that a browser shows of this hub, by the Host of a request; null when that is not the hub's. */
export function pageOf({ request, edge }: RequestContext): Page | null {
  const host = request.headers.get('host')?.toLowerCase() ?? ''
  const { publicUrl, pageHosts } = edge.settings
  if (publicUrl !== null) return host === new URL(publicUrl).host ? { domain: host, origin: publicUrl } : null
  const port = edge.port()
  const ending = port === 80 ? '' : `:${port}`
  const isOwn = pageHosts.some((name) => host === name + ending)
  return isOwn ? { domain: host, origin: `http://${host}` } : null
}

/** Who wants to sign in, and from which page; or why that is not the hub's. For requests with a body. */
export function visitorOf(context: RequestContext): Visitor | Fault {
  const page = pageOf(context)
  if (page === null) return otherHost
  const { headers } = context.request
  if (!isJson(headers) || !isSameOrigin(headers, page, true)) return otherPage
  return { ...page, address: context.clientAddress }
}

/** Null when a cookie of this request counts; else why not. */
export function foreignPage(context: RequestContext): Fault | null {
  const page = pageOf(context)
  if (page === null) return otherHost
  const { method, headers } = context.request
  const isWrite = method !== 'GET' && method !== 'HEAD'
  return isSameOrigin(headers, page, isWrite) ? null : otherPage
}

/** Browsers send Origin along with everything that may change something, and with little else. */
function isSameOrigin(headers: Headers, { origin }: Page, isWrite: boolean): boolean {
  const site = headers.get('sec-fetch-site')
  const sent = headers.get('origin')
  if (site !== null && site !== 'same-origin') return false
  return sent === null ? !isWrite : sent === origin
}
