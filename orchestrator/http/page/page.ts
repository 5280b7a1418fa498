/**
 * The page for people, over HTTP: `GET /` gives it to whoever accepts HTML, and everybody else a text; `/page/…` gives
 * its files. What the files are is the dashboard's; which of them may be kept, and what they may do, it says in their
 * headers.
 */
import { fault } from '../../../shared/faults.ts'
import { welcome } from '../admin/status.ts'
import type { RequestContext } from '../request-context.ts'
import { baseHeaders, refuse } from '../response/response.ts'

export async function welcomePage(context: RequestContext): Promise<Response> {
  const { request, edge } = context
  const accepts = request.headers.get('accept') ?? ''
  if (edge.page === null || !accepts.includes('text/html')) return welcome(context)
  return (await fileResponse(context, '')) ?? welcome(context)
}

export async function pageFile(context: RequestContext): Promise<Response> {
  const { id, params } = context
  const unknown = fault('not_found', 'The page has no such file: reload it, it may have changed with the orchestrator.')
  return (await fileResponse(context, params.id)) ?? refuse(id, unknown)
}

async function fileResponse({ id, edge, request }: RequestContext, name: string): Promise<Response | null> {
  const file = await edge.page?.file(name, request.headers.get('accept-encoding') ?? '')
  if (!file) return null
  const { 'content-type': _, ...base } = baseHeaders(id, '')
  return new Response(file.body, { status: file.status, headers: { ...base, ...file.headers } })
}
