/**
 * The cookie that carries a session: written at each sign-in, read off requests, removed at the end. Over https its
 * name keeps other hosts of the same site from setting it; without, ports of one machine share cookies, so the port is
 * part of the name.
 */
import { sessionMs } from '../../../shared/limits/keys.ts'
import type { Visitor } from '../../engine/ports/accounts.ts'
import type { RequestContext } from '../request-context.ts'
import { pageOf } from './own-page.ts'

type Origin = Pick<Visitor, 'origin'>

function nameOf({ origin }: Origin): string {
  const { protocol, port } = new URL(origin)
  return protocol === 'https:' ? '__Host-chasm' : `chasm-${port || 80}`
}

function attributes({ origin }: Origin): string {
  return `Path=/; HttpOnly; SameSite=Strict${origin.startsWith('https:') ? '; Secure' : ''}`
}

export function sessionCookie(page: Origin, token: string): string {
  return `${nameOf(page)}=${token}; ${attributes(page)}; Max-Age=${sessionMs / 1000}`
}

export function endedCookie(page: Origin): string {
  return `${nameOf(page)}=; ${attributes(page)}; Max-Age=0`
}

/** What stands in the hub's cookie; null without one. Of two of one name the first counts, as in browsers' order. */
export function cookieOf(context: RequestContext): string | null {
  const cookies = context.request.headers.get('cookie')
  const page = cookies === null ? null : pageOf(context)
  if (cookies === null || page === null) return null
  const begin = `${nameOf(page)}=`
  const found = cookies.split(';').find((cookie) => cookie.trimStart().startsWith(begin))
  return found === undefined ? null : found.trim().slice(begin.length)
}
