/**
 * Passes requests on to the HTTP listener of the brain, which is on a Unix socket, and its answers back as they come.
 */
import type { Forward } from '../http/request-context.ts'

/** Of one connection, or made anew by who writes the body. */
const notForwarded = ['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade']

export function brainHttp(socketPath: string): Forward {
  return async (request, body, isInflated) => {
    const headers = new Headers(request.headers)
    for (const name of notForwarded) headers.delete(name)
    if (isInflated) headers.delete('content-encoding')
    const { method, url, signal } = request
    const answer = await fetch(`http://hub${pathOf(url)}`, {
      method,
      headers,
      body: method === 'GET' || method === 'HEAD' ? null : body,
      unix: socketPath,
      signal,
      // The brain ends every request by its own deadlines.
      timeout: false,
      redirect: 'manual',
      decompress: false,
    })
    const given = new Headers(answer.headers)
    for (const name of ['connection', 'transfer-encoding', 'keep-alive']) given.delete(name)
    return new Response(answer.body, { status: answer.status, headers: given })
  }
}

/** With its query. */
function pathOf(url: string): string {
  return url.startsWith('/') ? url : url.slice(url.indexOf('/', 'https://'.length))
}
