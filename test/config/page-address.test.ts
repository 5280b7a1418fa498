/** Where a hub without PUBLIC_URL says that its page is. */
import { expect, test } from 'vitest'
import { pageHosts, pageOrigin } from '../../orchestrator/page-address.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8080'],
  ['0.0.0.0', 'http://127.0.0.1:8080'],
  ['::', 'http://127.0.0.1:8080'],
  ['::1', 'http://[::1]:8080'],
  ['192.168.1.5', 'http://192.168.1.5:8080'],
  ['Hub.example', 'http://hub.example:8080'],
  ['FD00::1', 'http://[fd00::1]:8080'],
])('a hub that listens on %s is at %s, which counts as its own page', (host, origin) => {
  expect(pageOrigin({ host, publicUrl: null }, 8080)).toBe(origin)
  expect(pageHosts(host).map((name) => `http://${name}:8080`)).toContain(origin)
})

test('one that listens on every address has no name but those of its own machine', () => {
  for (const host of ['0.0.0.0', '::']) expect(pageHosts(host)).toEqual(['127.0.0.1', 'localhost', '[::1]'])
})

test('PUBLIC_URL goes before all of it, and the usual port is left out', () => {
  expect(pageOrigin({ host: '0.0.0.0', publicUrl: 'https://hub.example' }, 8080)).toBe('https://hub.example')
  expect(pageOrigin({ host: '192.168.1.5', publicUrl: null }, 80)).toBe('http://192.168.1.5')
})
