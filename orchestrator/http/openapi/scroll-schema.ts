/**
 * The JSON schema of a scroll, for editors and for those who write scrolls by program. The planner checks by the same.
 */
import type { Exchange } from '../request-context.ts'
import { replyJson } from '../response/response.ts'

export function scrollSchema({ id, edge }: Exchange): Response {
  return replyJson(id, JSON.stringify(edge.planner.scrollSchema))
}
