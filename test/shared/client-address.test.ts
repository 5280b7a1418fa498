/** Whose address counts when proxies stand in between: from the right, as far as they are trusted. */
import { describe, expect, test } from 'vitest'
import { TrustedProxies } from '../../shared/network/client-address.ts'

function proxies(...cidrs: string[]): TrustedProxies {
  const parsed = TrustedProxies.parse(cidrs)
  if ('flaw' in parsed) throw new Error(parsed.flaw)
  return parsed
}

const via = (hops: string) => new Headers({ 'x-forwarded-for': hops })
const forwarded = (hops: string) => new Headers({ forwarded: hops })

const rows: [string, string[], string, Headers, string][] = [
  ['nobody is trusted by default', [], '127.0.0.1', via('6.6.6.6'), '127.0.0.1'],
  ['a stranger is not believed', ['10.0.0.0/8'], '8.8.8.8', via('6.6.6.6'), '8.8.8.8'],
  ['a proxy is believed', ['127.0.0.1'], '127.0.0.1', via('6.6.6.6'), '6.6.6.6'],
  ['only what the proxy itself appended counts', ['127.0.0.1'], '127.0.0.1', via('1.1.1.1, 6.6.6.6'), '6.6.6.6'],
  ['two proxies are passed', ['127.0.0.1', '10.0.0.0/8'], '127.0.0.1', via('1.1.1.1, 6.6.6.6,10.2.3.4'), '6.6.6.6'],
  ['all are proxies', ['10.0.0.0/8'], '10.0.0.1', via('10.0.0.3, 10.0.0.2'), '10.0.0.3'],
  ['nothing was said', ['10.0.0.0/8'], '10.0.0.1', new Headers(), '10.0.0.1'],
  ['nonsense is not passed', ['10.0.0.0/8'], '10.0.0.1', via('6.6.6.6, unknown'), '10.0.0.1'],
  ['an empty hop is nonsense', ['10.0.0.0/8'], '10.0.0.1', via('6.6.6.6,'), '10.0.0.1'],
  ['ports are left out', ['10.0.0.0/8'], '10.0.0.1', via('6.6.6.6:81, 10.0.0.2:80'), '6.6.6.6'],
  ['IPv6', ['fd00::/8'], 'FD00::1', via('2001:DB8::7, [fd00::2]:80'), '2001:db8::7'],
  ['IPv4 inside IPv6 is IPv4', ['127.0.0.0/8'], '::ffff:127.0.0.1', via('::ffff:6.6.6.6'), '6.6.6.6'],
  ['Forwarded', ['10.0.0.0/8'], '10.0.0.1', forwarded('for=6.6.6.6;proto=https, for="10.0.0.2:80"'), '6.6.6.6'],
  ['Forwarded with IPv6', ['10.0.0.0/8'], '10.0.0.1', forwarded('proto=http; For="[2001:db8::1]:80"'), '2001:db8::1'],
  ['Forwarded without an address', ['10.0.0.0/8'], '10.0.0.1', forwarded('for=6.6.6.6, by=10.0.0.3'), '10.0.0.1'],
]

test.each(rows)('%s', (_what, cidrs, peer, headers, client) => {
  expect(proxies(...cidrs).clientOf(peer, headers)).toBe(client)
})

describe('a network', () => {
  test.each(['10.0.0.0/33', '10.0.0/8', 'proxy', '', '::1/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/a'])(
    '%j is refused by its name',
    (cidr) => {
      expect(TrustedProxies.parse(['10.0.0.0/8', cidr])).toEqual({ flaw: cidr })
    },
  )

  test('of no bits is everybody', () => {
    expect(proxies('0.0.0.0/0').clientOf('9.9.9.9', via('6.6.6.6'))).toBe('6.6.6.6')
  })
})
