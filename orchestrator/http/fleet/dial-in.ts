/**
 * The route on which scouts connect: hands the request to the gateway, which verifies the key and upgrades the
 * connection. All of it happens before anything is awaited.
 */
import type { RequestContext } from '../request-context.ts'

/** Nothing when upgraded, else the gateway's refusal under this request's id. */
export function dialIn({ id, edge, request }: RequestContext): Response | undefined {
  const refusal = edge.upgradeScout(request)
  refusal?.headers.set('x-request-id', id)
  refusal?.headers.set('x-chasm', '1')
  return refusal
}
