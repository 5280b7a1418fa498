import { describe, expect, test } from 'vitest'
import { fetchProxy, proxyFlaws, proxyFor, proxyName } from '../../../shared/network/proxy-rule.ts'

const both = { HTTP_PROXY: 'http://plain:3128', HTTPS_PROXY: 'http://safe:3128' }
const [plain, safe] = ['http://plain:3128/', 'http://safe:3128/']

describe('the proxy of a connection', () => {
  test.each([
    ['https://api.example.com/v1', {}, null],
    ['https://api.example.com/v1', both, safe],
    ['wss://hub.example.com/v1/scout', both, safe],
    ['http://api.example.com/v1', both, plain],
    ['ws://hub.example.com/v1/scout', both, plain],
    ['https://api.example.com', { HTTP_PROXY: 'http://plain:3128' }, null],
    ['https://api.example.com', { HTTPS_PROXY: '' }, null],
    ['https://api.example.com', { HTTPS_PROXY: ' safe:3128 ' }, safe],
    ['https://api.example.com', { HTTPS_PROXY: 'https://safe' }, 'https://safe/'],
    ['https://api.example.com', { ALL_PROXY: 'http://all:1' }, null],
    // Lower case counts first, also when it is empty.
    ['https://api.example.com', { ...both, https_proxy: 'http://lower:1' }, 'http://lower:1/'],
    ['https://api.example.com', { ...both, https_proxy: '' }, null],
    ['https://api.example.com', { ...both, no_proxy: 'example.com' }, null],
  ])('of %s under %o is %s', (target, env, proxy) => {
    expect(proxyFor(target, env)).toBe(proxy)
    expect(fetchProxy(target, env)).toEqual(proxy === null ? false : { url: proxy, respectNoProxy: false })
  })

  test.each([
    'http://localhost:11434',
    'http://LOCALHOST:11434',
    'http://models.localhost',
    'http://localhost.:11434',
    'http://127.0.0.1:8080',
    'http://127.9.9.9',
    'http://[::1]:8080',
    'http://[::ffff:127.0.0.1]:8080',
    'ws://0.0.0.0:8080',
    'wss://localhost',
  ])('is never used for this machine: %s', (target) => {
    expect(proxyFor(target, both)).toBeNull()
  })

  test.each([
    ['http://128.0.0.1', plain],
    ['http://notlocalhost', plain],
    ['http://localhost.example.com', plain],
    ['http://127.example.com', plain],
    ['http://[fe80::1]', plain],
  ])('is used for what only looks like it: %s', (target, proxy) => {
    expect(proxyFor(target, both)).toBe(proxy)
  })

  const direct = true
  test.each([
    ['*', 'https://api.example.com', direct],
    ['example.com', 'https://example.com', direct],
    ['example.com', 'https://api.example.com', direct],
    ['.example.com', 'https://api.example.com', direct],
    ['*.example.com', 'https://api.example.com', direct],
    ['EXAMPLE.com', 'https://api.Example.COM', direct],
    ['example.com.', 'https://api.example.com', direct],
    ['a.org, example.com', 'https://api.example.com', direct],
    ['a.org example.com', 'https://api.example.com', direct],
    ['example.com:443', 'https://api.example.com', direct],
    ['example.com:443', 'wss://api.example.com', direct],
    ['example.com:80', 'http://api.example.com', direct],
    ['example.com:8443', 'https://api.example.com:8443', direct],
    ['10.0.0.7', 'http://10.0.0.7:11434', direct],
    ['10.0.0.7:11434', 'http://10.0.0.7:11434', direct],
    ['fd00::7', 'http://[fd00::7]:11434', direct],
    ['[fd00::7]', 'http://[fd00::7]:11434', direct],
    ['[fd00::7]:11434', 'http://[fd00::7]:11434', direct],
    ['', 'https://api.example.com', !direct],
    [',', 'https://api.example.com', !direct],
    ['.', 'https://api.example.com', !direct],
    ['ample.com', 'https://example.com', !direct],
    ['api.example.com', 'https://example.com', !direct],
    ['example.com:8443', 'https://api.example.com', !direct],
    ['example.com:443', 'http://api.example.com', !direct],
    ['[fd00::7]:1', 'http://[fd00::7]:11434', !direct],
    // Ranges of addresses are not understood, and nothing is by mistake.
    ['10.0.0.0/8', 'http://10.0.0.7', !direct],
  ])('with NO_PROXY=%s for %s: directly %s', (noProxy, target, isDirect) => {
    expect(proxyFor(target, { ...both, NO_PROXY: noProxy }) === null).toBe(isDirect)
  })

  test.each(['socks5://proxy:1080', 'http://', 'http://a b', 'ftp://proxy'])('%s is no proxy', (text) => {
    expect(proxyFlaws({ HTTPS_PROXY: text })).toEqual([expect.stringMatching(/^HTTPS_PROXY must be the http or https/)])
    expect(proxyFor('https://api.example.com', { HTTPS_PROXY: text })).toBeNull()
  })

  test('is shown without its password', () => {
    expect(proxyName('http://me:secret@proxy:3128/')).toBe('proxy:3128')
    expect(proxyFlaws({ HTTP_PROXY: 'socks://me:secret@proxy' }).join()).not.toContain('secret')
  })
})
