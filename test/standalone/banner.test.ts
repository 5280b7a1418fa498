import { expect, test } from 'vitest'
import { banner, type Connected, isReady } from '../../orchestrator/banner.ts'

const ready = { type: 'ready', url: 'http://127.0.0.1:8080/', scoutKey: 'secret-of-the-scout' } as const
const connected: Connected = { type: 'connected', provider: 'groq', models: ['a', 'b'] }

test('the first start shows the client key once and says how to make another', () => {
  const text = banner({ ...ready, clientKey: 'chasm_client_x' }, connected)
  expect(text).toContain(
    'Client key: chasm_client_x\n            shown once; make another with: npm run key -- client\n',
  )
  expect(text).toContain('-H "Authorization: Bearer chasm_client_x"')
})

test('later starts name the variable that the curl line reads', () => {
  const text = banner(ready, connected)
  expect(text).toContain('-H "Authorization: Bearer $CHASM_KEY"')
  expect(text).toContain('npm run key -- client')
})

test('the first start shows the link that signs the operator in, later ones how to get another', () => {
  const loginUrl = `http://127.0.0.1:8080/#login=${'x'.repeat(43)}`
  const text = banner({ ...ready, loginUrl }, connected)
  expect(text).toContain(`Sign in:    ${loginUrl}\n            as the operator; works once, for 10 minutes\n`)
  expect(banner(ready, connected)).toContain('npm run -s key -- login')
  expect([isReady({ ...ready, loginUrl }), isReady({ ...ready, loginUrl: 1 })]).toEqual([true, false])
})

test('the demo provider is called what it is, with the way out', () => {
  const text = banner(ready, { ...connected, provider: 'demo' })
  expect(text).toMatch(/demo\. It makes its answers up and asks no language model/)
  expect(text).toContain('GROQ_API_KEY')
  expect(banner(ready, connected)).not.toContain('demo')
})

test('many models are counted instead of listed, and none is said plainly', () => {
  const models = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7']
  expect(banner(ready, { ...connected, models })).toContain('Models:     m1, m2, m3, m4, m5 and 2 more\n')
  expect(banner(ready, { type: 'connected' })).toContain('Models:     none yet')
})

test('the scout key is never shown', () => {
  expect(banner(ready, connected)).not.toContain('secret-of-the-scout')
})

test('no line of the banner but the curl line is wider than a terminal', () => {
  const first = banner({ ...ready, clientKey: 'k'.repeat(60) }, { ...connected, provider: 'demo' })
  const wide = (first + banner(ready, connected)).split('\n').filter((line) => line.length > 100)
  expect(wide.filter((line) => !line.startsWith('curl '))).toEqual([])
})
