/**
 * The client edge of a peer: takes the same POST as the hub does and answers with what the peer's worker said. It
 * stands on whatever serves HTTP fastest in its runtime, so that a peer is not slow because of its front: Bun.serve
 * under Bun, node:http under Node. It knows nothing of workers; `handle` is the peer.
 */
import { createServer } from 'node:http'

const headers = { 'content-type': 'application/json' }

function failure(error) {
  return JSON.stringify({ error: { message: String(error?.message ?? error) } })
}

/** Serves on a free port. `handle` takes a request's text and promises the answer's text. Resolves with the port. */
export function serveFront(handle, other) {
  return globalThis.Bun ? serveOnBun(handle, other) : listen(nodeServer(handle, other))
}

function serveOnBun(handle, other) {
  const server = globalThis.Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const body = await request.text()
      if (other && request.url.endsWith(other.path)) return new Response(other.handle(body))
      try {
        return new Response(await handle(body), { headers })
      } catch (error) {
        return new Response(failure(error), { status: 500, headers })
      }
    },
  })
  return Promise.resolve(server.port)
}

/** The same on Node, not listening yet, for peers that share their server with their sockets. */
export function nodeServer(handle, other) {
  return createServer((request, response) => {
    const chunks = []
    const reply = (status, text) => {
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) })
      response.end(text)
    }
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString()
      if (other && request.url === other.path) return reply(200, other.handle(body))
      handle(body).then(
        (answer) => reply(200, answer),
        (error) => reply(500, failure(error)),
      )
    })
  })
}

/** Resolves with the port. */
export function listen(server) {
  server.keepAliveTimeout = 60_000
  return new Promise((resolve) => server.listen(0, '127.0.0.1', 4096, () => resolve(server.address().port)))
}
