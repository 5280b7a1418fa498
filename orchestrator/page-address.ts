/**
 * Where people reach the page of a hub that has no PUBLIC_URL: on its own machine, and at the one address that it was
 * told to listen on. The composition gives the names to the client edge, and the links that sign in are made of them.
 */
import { isIPv6 } from 'node:net'

/** What means every address of a machine, and none in particular. */
const anyAddress: readonly string[] = ['0.0.0.0', '::', '::0']
const loopback: readonly string[] = ['127.0.0.1', 'localhost', '[::1]']

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

/** As they stand in a URL. `host`: what HOST says. */
export function pageHosts(host: string): readonly string[] {
  const own = inUrl(host)
  return anyAddress.includes(host) || loopback.includes(own) ? loopback : [...loopback, own]
}

/** The address of the page, without a slash at its end. */
export function pageOrigin({ host, publicUrl }: { host: string; publicUrl: string | null }, port: number): string {
  if (publicUrl !== null) return publicUrl
  return `http://${anyAddress.includes(host) ? '127.0.0.1' : inUrl(host)}${port === 80 ? '' : `:${port}`}`
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host.toLowerCase()}]` : host.toLowerCase()
}
