/**
 * The state of the hub: for people (a welcome), for supervisors and load balancers (health, readiness) and for
 * Prometheus. All of it is open: it reveals nothing about who uses the hub or for what.
 */
import { fault } from '../../../shared/faults.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse, textResponse } from '../response/response.ts'

const welcomeText = `This is a Chasm orchestrator: it answers LLM requests with the machines that have dialed in to it.

  POST /v1/chat/completions   OpenAI-compatible, streamed or whole   (client key)
  POST /v1/embeddings         OpenAI-compatible                      (client key)
  POST /v1/intents            work that outlives the connection      (client key)
  GET  /v1/models             what can be asked for now              (client key)
  GET  /healthz  /readyz      for supervisors and load balancers
  GET  /metrics               for Prometheus
  GET  /openapi.json          every route, described

Keys go into the header "Authorization: Bearer <key>".
`

export function welcome({ id }: RequestContext): Response {
  return textResponse(id, welcomeText)
}

export function healthz({ id }: RequestContext): Response {
  return jsonResponse(id, '{"status":"ok"}')
}

export function readyz({ id, edge }: RequestContext): Response {
  if (edge.engine.ready()) return jsonResponse(id, '{"status":"ready"}')
  return refuse(id, fault('hub_draining', 'The orchestrator is starting or about to stop: try again in a moment.'))
}

export async function metrics({ id, edge }: RequestContext): Promise<Response> {
  return textResponse(id, await edge.metrics.text(), edge.metrics.contentType)
}
