/** Lists of keys tell whose each is. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

const root = { id: 'console', address: '' }
const address = '0x52908400098527886e0f7030069857d2e4169ee7'
let edge: TestEdge

beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

interface Listed {
  name: string
  owner: { id: string; name: string; address: string | null } | null
}

async function listed(path: string, key: string): Promise<Listed[]> {
  return ((await (await edge.ask(path, {}, key)).json()) as { data: Listed[] }).data
}

test('an administrator sees the account of each key, by its name, and asks for those of one', async () => {
  const made = edge.accounts.makeAccount({ name: 'Ada', address, role: 'member', limits: null }, root)
  if ('code' in made) throw new Error(made.message)
  const { key } = edge.keyring.issue('client', 'app', { account: made.id })
  const owner = { id: made.id, name: 'Ada', address }
  const all = await listed('/v1/admin/keys', edge.keys.admin)
  expect(all.find(({ name }) => name === 'app')?.owner).toEqual(owner)
  expect(all.filter(({ owner }) => owner === null).length).toBeGreaterThan(0)
  const hers = await listed(`/v1/admin/keys?tenant=${made.id}`, edge.keys.admin)
  expect(hers.map((one) => [one.name, one.owner])).toEqual([
    ['app', owner],
    ['Playground', owner],
  ])
  expect(await listed('/v1/me/keys', key)).toMatchObject([{ name: 'app', owner }])
})
