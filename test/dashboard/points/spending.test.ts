/** Points to spend in a real Chromium: the balance, how it comes and goes, and what is said where it is too little. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import { patienceMs, until } from '../../support/clocks/until.ts'
import { installMsMax } from '../../support/machine/apt.ts'
import { findChromium } from '../../support/machine/chromium.ts'
import { flawsOf, openPage, PageStage } from '../page-stage.ts'

const found = await findChromium()
const command = join(import.meta.dirname, '../../../orchestrator/commands/season.ts')
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''

describe.skipIf('reason' in found)(`points to spend${skipped}`, () => {
  let stage: PageStage
  let ledger: Ledger
  beforeAll(async () => {
    stage = await PageStage.open((found as { path: string }).path, { points: 'spend' })
    await stage.hub.addScout({ name: 'ant', demo: { tokens: 5 } })
    ledger = stage.hub.hub.engine.ledger as Ledger
  }, installMsMax)
  afterAll(() => stage?.close())
  afterEach(() => stage.closePages())

  const issue = (role: 'client' | 'scout', name: string) => stage.hub.hub.keyring.issue(role, name)

  /** What the season command asks of the running hub: points to spend, or earned ones. */
  async function give(to: { client: string } | { operator: string }, points: number): Promise<void> {
    const { minted } = ledger.conservation()
    const words = 'client' in to ? ['grant', to.client] : ['correct', to.operator]
    const options = { encoding: 'utf8', env: { ...process.env, DATA_DIR: stage.dataDir } } as const
    const { status, stderr } = spawnSync(process.execPath, [command, ...words, `${points}`, 'a gift'], options)
    expect([status, stderr]).toEqual([0, ''])
    await until('the points', () => ledger.conservation().minted > minted)
  }

  test('are none at first, which is said, and a request is refused in clear words', async () => {
    const { key } = issue('client', 'poor')
    const page = await stage.signedIn(key, {}, 'points/spend')
    await page.getByText('You have no points to spend').waitFor({ timeout: patienceMs })
    await page.getByText('Nothing has moved yet').waitFor({ timeout: patienceMs })
    await openPage(page, 'playground')
    await page.getByLabel('Message').fill('Tell me of the chasm')
    await page.keyboard.press('Enter')
    const alert = page.getByRole('alert')
    await alert.getByText(/may cost \d+ points, and you have 0 to spend/).waitFor({ timeout: patienceMs })
    await alert.getByRole('link', { name: 'Your points' }).click()
    await page.getByText('You have no points to spend').waitFor({ timeout: patienceMs })
  })

  test('pay for requests, and the movements add up to the balance', async () => {
    const { key, row } = issue('client', 'payer')
    await give({ client: row.tenant }, 900_000)
    const page = await stage.signedIn(key, {}, 'playground')
    const seq = ledger.lastSeq()
    await page.getByLabel('Message').fill('Tell me of the chasm', { timeout: patienceMs })
    await page.keyboard.press('Enter')
    await page.locator('.turn.assistant .faint').waitFor({ timeout: patienceMs })
    await until('the request to be paid', () => ledger.spendable(row.tenant)!.available < 900_000 && ledger.held === 0)
    await until('it to be sealed', () => ledger.lastSeq() > seq)
    await openPage(page, 'points/spend')
    await page.getByRole('row', { name: /1 request -\d+$/ }).waitFor({ timeout: patienceMs })
    await page.getByRole('row', { name: /Given by the operator of this orchestrator \+900,000$/ }).waitFor()
    const { available } = ledger.spendable(row.tenant)!
    await page.getByText(`${available.toLocaleString('en-GB')} points`).waitFor({ timeout: patienceMs })
    const cells = await page.getByRole('region', { name: 'Movements' }).locator('td.right').allTextContents()
    const moved = cells.map((text) => Number(text.replace(/[+,]/g, '')))
    expect(moved.reduce((sum, points) => sum + points, 0)).toBe(available)
  })

  test('are made of what was earned, no more than that, and everything that was made is accounted for', async () => {
    const { key, row } = issue('scout', 'owner')
    await give({ operator: row.tenant }, 700)
    const page = await stage.signedIn(key, {}, 'points/spend')
    await page.getByLabel('Points', { exact: false }).fill('701', { timeout: patienceMs })
    await page.getByRole('button', { name: 'Make spendable' }).click()
    await page.getByText('You have 700 earned points in seasons that are not closed, and not 701').waitFor({
      timeout: patienceMs,
    })
    await page.getByLabel('Points', { exact: false }).fill('500')
    await page.getByRole('button', { name: 'Make spendable' }).click()
    await page.getByRole('row', { name: /Earned points that were made spendable \+500$/ }).waitFor({
      timeout: patienceMs,
    })
    await openPage(page, 'points/seasons')
    const sums = await page.getByRole('region', { name: 'All points' }).locator('td.right').allTextContents()
    const points = sums.map((text) => Number(text.replaceAll(',', '')))
    expect(points.slice(0, -1).reduce((sum, some) => sum + some, 0)).toBe(points.at(-1))
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    test.each([1440, 768, 360])('are accessible and do not overflow at %i pixels', async (width) => {
      const { key, row } = issue('client', 'looker')
      await give({ client: row.tenant }, 1_234_567)
      const page = await stage.signedIn(key, { theme, width })
      await openPage(page, 'points/spend')
      expect(await flawsOf(page, 'points/spend')).toEqual([])
    })
  })
})
