/**
 * The JSON schema of a scroll, for editors and for those who write scrolls by program. The planner checks by the same.
 */
import type { RequestContext } from '../request-context.ts'
import { jsonResponse } from '../response/response.ts'

export function scrollSchema({ id, edge }: RequestContext): Response {
  return jsonResponse(id, JSON.stringify(edge.planner.scrollSchema))
}
