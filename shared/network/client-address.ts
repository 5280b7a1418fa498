/**
 * Who is at the other end of a connection when reverse proxies stand in between: they append the address that they see
 * to a header, so it is believed from the right, as long as the one who says it is a proxy that the operator trusts.
 * The edges ask for the address by which they limit, list and log.
 */
import { BlockList, isIP } from 'node:net'

const families = { 4: 'ipv4', 6: 'ipv6' } as const

export class TrustedProxies {
  private readonly networks = new BlockList()

  private constructor(readonly count: number) {}

  /** Networks as `10.0.0.0/8`, `::1` or `fd00::/8`; `flaw` is the first text that is none. */
  static parse(cidrs: readonly string[]): TrustedProxies | { flaw: string } {
    const proxies = new TrustedProxies(cidrs.length)
    for (const cidr of cidrs) if (!proxies.add(cidr)) return { flaw: cidr }
    return proxies
  }

  private add(cidr: string): boolean {
    const [address = '', prefix, ...more] = cidr.split('/')
    const family = isIP(address)
    if (family === 0 || more.length > 0) return false
    const bits = family === 4 ? 32 : 128
    if (prefix === undefined) {
      this.networks.addSubnet(address, bits, families[family as 4 | 6])
      return true
    }
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) return false
    this.networks.addSubnet(address, Number(prefix), families[family as 4 | 6])
    return true
  }

  /** The nearest address that is no trusted proxy's; the farthest one that is known when all are. */
  clientOf(peer: string, headers: Headers): string {
    let client = plain(peer)
    if (this.count === 0 || !this.trusts(client)) return client
    const hops = hopsIn(headers)
    for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
      const address = plain(hop)
      // What a trusted proxy calls unknown is not looked behind.
      if (isIP(address) === 0) return client
      client = address
      if (!this.trusts(client)) return client
    }
    return client
  }

  private trusts(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.networks.check(address, families[family as 4 | 6])
  }
}

/** In the order of the way: the client first, the last proxy but one last. */
function hopsIn(headers: Headers): string[] {
  const hops = headers.get('x-forwarded-for')
  if (hops !== null) return hops.split(',')
  const forwarded = headers.get('forwarded')
  if (forwarded === null) return []
  return forwarded.split(',').map((element) => /(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(element)?.[1] ?? 'unknown')
}

/** An address without quotes, brackets and port; IPv4 inside of IPv6 as IPv4. */
function plain(hop: string): string {
  const text = hop.trim().replace(/^"(.*)"$/, '$1')
  const address = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([^:]*):\d+$/.exec(text)?.[1] ?? text
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address.toLowerCase()
}
