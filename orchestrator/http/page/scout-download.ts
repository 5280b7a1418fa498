/**
 * The scout as a download: the script that runs it and the executables that the script fetches. Both are open: a scout
 * is nobody without a key. So many downloads at once; the next one is told to come back.
 */
import { fault } from '../../../shared/faults.ts'
import type { RequestContext } from '../request-context.ts'
import { baseHeaders, refuse, textResponse } from '../response/response.ts'
import { scoutScript } from './scout-script.ts'

/** A host as it may stand in a script between quotes. */
const hostForm = /^([a-z0-9.-]{1,255}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i

const badHost = fault('invalid_request', 'The Host header is no host: ask at the address of the orchestrator.')
const noBuild = fault('not_found', 'There is no executable for this platform here: docs/run-a-scout.md has other ways.')
const tooMany = fault('hub_overloaded', 'There are as many downloads as there may be: try again in a minute.', {
  retryAfterMs: 30_000,
})

export function getScoutScript({ id, edge, request }: RequestContext): Response {
  const host = request.headers.get('host') ?? ''
  const { publicUrl } = edge.settings
  if (publicUrl === null && !hostForm.test(host)) return refuse(id, badHost)
  const response = textResponse(id, scoutScript(publicUrl ?? `http://${host}`, edge.builds?.list() ?? []))
  response.headers.set('cache-control', 'no-store')
  return response
}

export function getScoutBuild({ id, edge, params, request }: RequestContext): Response {
  const { builds } = edge
  if (builds?.list().some(({ platform }) => platform === params.id) !== true) return refuse(id, noBuild)
  const headers = { ...baseHeaders(id, 'application/octet-stream'), 'cache-control': 'no-cache' }
  // Nobody reads the body of an answer to HEAD.
  if (request.method === 'HEAD') return new Response(null, { headers })
  const bytes = builds.open(params.id)
  return bytes === null ? refuse(id, tooMany) : new Response(bytes, { headers })
}
