/** The hubs of a network in a real Chromium: all about them to administrators, less to others. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { noScopes, storedScopes } from '../../shared/keys/key-terms.ts'
import { realSystem, type System } from '../../shared/system.ts'
import { patienceMs } from '../support/clocks/until.ts'
import { networkedHub, openedNetwork, shares } from '../support/cluster/hub-network.ts'
import { BusModel, type ModelBus } from '../support/cluster/model-bus.ts'
import { LogModel, type ModelLog } from '../support/cluster/model-log.ts'
import { networkOf, testHub } from '../support/cluster/network.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { flawsOf, PageStage } from './page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''
const browser = 'path' in found ? found.path : ''
const real = realSystem()
/** Hubs that are gone are so ten times sooner. */
const quick: System = { ...real, nowMs: () => real.nowMs() * 10, after: (ms, then) => real.after(ms / 10, then) }
const [alpha, beta, gamma] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3)]
const trio = networkOf([alpha, beta, gamma])

/** The page of alpha, with beta and gamma beside it. */
async function network() {
  const buses = new BusModel(quick)
  const logs = new LogModel(quick)
  const lines = new Map<string, { bus: ModelBus; log: ModelLog }>()
  const connect = (name: string) => {
    const line = { bus: buses.connect(), log: logs.connect() }
    lines.set(name, line)
    return { bus: line.bus, shared: line.log, keys: logs.connect(), use: logs.connect(), ledger: logs.connect() }
  }
  const own = openedNetwork(alpha, trio, connect, quick)
  const stage = await PageStage.open(browser, { network: own.network })
  onTestFinished(() => stage.close())
  const [b, c] = [beta, gamma].map((hub) => networkedHub(hub, trio, connect, quick)) as [
    ReturnType<typeof networkedHub>,
    ReturnType<typeof networkedHub>,
  ]
  await b.live.addScout({ name: 'worker' })
  await shares({ name: 'alpha', live: stage.hub }, b, 'demo-small')
  const cut = (name: string) => {
    const { bus, log } = lines.get(name)!
    bus.cut(true)
    log.cut(true)
  }
  return { stage, b, c, cut }
}

const work = { model: 'offered-by-nobody', messages: [{ role: 'user', content: 'hello' }] }

describe.skipIf(browser === '')(`hubs${skipped}`, () => {
  test('are shown to an administrator with load, loans and intents, and what becomes of them', async () => {
    const { stage, b, c, cut } = await network()
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'overview')
    await page.getByRole('link', { name: 'Hubs', exact: true }).click({ timeout: patienceMs })
    const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name} ?`) })
    await row('alpha').getByText('this one').waitFor({ timeout: patienceMs })
    await row('beta').getByText('here', { exact: true }).waitFor({ timeout: patienceMs })
    await row('beta').getByText('demo-embed, demo-large, demo-small').waitFor({ timeout: patienceMs })
    await row('beta')
      .getByText(/^lends \d credits?$/)
      .waitFor({ timeout: patienceMs })
    await row('beta').getByText('borrows nothing').waitFor({ timeout: patienceMs })
    expect(await page.getByText('Epoch of the roster').count()).toBe(1)
    expect(await page.locator('.stats').textContent()).toMatch(/3 *of 3.*Epoch of the roster *3.*2 *signatures/)
    expect((await c.live.post('/v1/intents', work)).status).toBe(202)
    await row('gamma').getByText('1 open').waitFor({ timeout: patienceMs })
    cut('gamma')
    await row('gamma').getByText('away').waitFor({ timeout: patienceMs })
    await row('gamma')
      .getByText(/^silent for/)
      .waitFor({ timeout: patienceMs })
    await row('alpha').getByText('1 taken over').waitFor({ timeout: patienceMs })
    expect(await page.locator('.stats').textContent()).toMatch(/2 *of 3/)
    expect(b.live.hub.engine.localFleet().intents).toBe(0)
  })

  test('are shown to everybody else without what is only for administrators, as far as their key may see', async () => {
    const { stage } = await network()
    const { keyring } = stage.hub.hub
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'hubs')
    await page.getByRole('row', { name: /^beta ?https:\/\/beta\.example/ }).waitFor({ timeout: patienceMs })
    const columns = await page.getByRole('columnheader').allTextContents()
    expect(columns).toEqual(['Hub', 'State', 'Scouts', 'Points', 'Models'])
    const listed = async (key: string, query = '') => {
      const answer = await fetch(`${stage.hub.url}/v1/hubs${query}`, { headers: { authorization: `Bearer ${key}` } })
      return { status: answer.status, body: (await answer.json()) as Listed }
    }
    const { body } = await listed(stage.hub.clientKey)
    expect(Object.keys(body.network).toSorted()).toEqual(['epoch', 'id', 'removed', 'standing'])
    const fields = ['is_self', 'ledger', 'models', 'more', 'name', 'object', 'scouts', 'silent_ms', 'state', 'url']
    for (const hub of body.data) expect(Object.keys(hub).toSorted()).toEqual(fields)
    const scopes = storedScopes({ ...noScopes, models: ['demo-l*'] })
    const narrow = await listed(keyring.issue('client', 'narrow', { scopes }).key)
    expect(narrow.body.data[1]).toMatchObject({ name: 'beta', models: [{ id: 'demo-large' }], more: 0 })
    const short = await listed(stage.hub.scoutKey, '?models=1')
    expect(short.body.data[1]).toMatchObject({ models: [{ id: 'demo-embed' }], more: 2 })
    expect((await listed(stage.hub.clientKey, '?models=-1')).status).toBe(400)
    expect((await fetch(`${stage.hub.url}/v1/hubs`)).status).toBe(401)
  })

  test('are accessible and do not overflow', async () => {
    const { stage } = await network()
    const flaws: string[] = []
    for (const key of [stage.hub.adminKey, stage.hub.clientKey]) {
      for (const theme of ['light', 'dark'] as const) {
        for (const width of [1440, 768, 360]) {
          const page = await stage.signedIn(key, { theme, width })
          flaws.push(...(await flawsOf(page, 'hubs')))
          await page.context().close()
        }
      }
    }
    expect(flaws).toEqual([])
  })

  test('have no place on the page of a hub that is by itself, which says so', async () => {
    const stage = await PageStage.open(browser)
    onTestFinished(() => stage.close())
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'hubs')
    await page.getByText('This orchestrator is by itself.').waitFor({ timeout: patienceMs })
    expect(await page.getByRole('link', { name: 'Hubs', exact: true }).count()).toBe(0)
  })
})

interface Listed {
  network: object
  data: { models: object[] }[]
}
