/**
 * Passes requests on to the HTTP listener of the brain, which is on a Unix socket, and its answers back as they come.
 */
import { sessionDigest } from '../accounts/sessions/sessions.ts'
import type { Keyring } from '../engine/keyring.ts'
import type { AccountStore } from '../engine/ports/account-store.ts'
import type { Forward } from '../http/request-context.ts'

/** Of one connection, or made anew by who writes the body. */
const notForwarded = ['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade', 'expect']

/** The address of the client, from an edge: nobody else reaches the brain's listener. */
const addressHeader = 'x-chasm-address'

/** What an edge says of who is at the other end of a request. */
export function addressFromEdge(headers: Headers): string {
  return headers.get(addressHeader) ?? 'unknown'
}

export function brainHttp(
  socketPath: string,
  keyring: Pick<Keyring, 'digest'>,
  store: Pick<AccountStore, 'session'>,
  /** Resolves once a brain is there, or nobody waits for it any longer. */
  there: () => Promise<void>,
): Forward {
  return {
    knowsSession: (token) => store.session(sessionDigest(keyring, token)) !== undefined,
    async send({ request, body, isInflated, id, address }) {
      const headers = new Headers(request.headers)
      for (const name of notForwarded) headers.delete(name)
      if (isInflated) headers.delete('content-encoding')
      headers.set('x-request-id', id)
      headers.set(addressHeader, address)
      const { method, url, signal } = request
      await there()
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
    },
  }
}

/** With its query. */
function pathOf(url: string): string {
  return url.startsWith('/') ? url : url.slice(url.indexOf('/', 'https://'.length))
}
