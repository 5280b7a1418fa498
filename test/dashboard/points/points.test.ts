/** Points in a real Chromium: earnings with their reasons, the leaderboard, seasons whose files can be checked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { seasonAt } from '../../../orchestrator/ledger/seasons/season.ts'
import { isSigned } from '../../../verifier/line-check.ts'
import { patienceMs } from '../../support/clocks/until.ts'
import { Calendar, monthsAgo } from '../../support/ledger/calendar.ts'
import { PastWork } from '../../support/ledger/past-work.ts'
import { installMsMax } from '../../support/machine/apt.ts'
import { findChromium } from '../../support/machine/chromium.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { flawsOf, openPage, PageStage, tabTo } from '../page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''
const listed = 'llama-3.1-8b-instant'

describe.skipIf('reason' in found)(`points${skipped}`, () => {
  let stage: PageStage
  let season: string
  let ownerKey: string
  let owner: string
  /** Of the last day: of ant, of bee with two reasons for nothing, and of somebody else. */
  let lastTask: number
  beforeAll(async () => {
    const calendar = new Calendar()
    calendar.set(monthsAgo(2))
    stage = await PageStage.open((found as { path: string }).path, { system: calendar.system })
    const { hub } = stage
    const issued = hub.hub.keyring.issue('scout', 'owner')
    ownerKey = issued.key
    owner = issued.row.tenant
    const other = hub.hub.keyring.issue('scout', 'other').row.tenant
    const past = new PastWork(hub, calendar)
    season = await past.threeSeasons((day) => {
      past.add({ scout: `${owner}/ant`, model: listed, tenant: 'client', units: 10_000 + day })
      past.add({ scout: `${owner}/bee`, model: 'odd-model', tenant: 'client', units: 1_000 + day })
      past.add({ scout: `${owner}/bee`, model: listed, tenant: owner, units: 2_000 + day })
      past.add({ scout: `${other}/cow`, model: listed, tenant: 'client', units: 30_000 + day })
    })
    lastTask = past.lastTask
  }, installMsMax)
  afterAll(() => stage?.close())
  afterEach(() => stage.closePages())

  test('are summed by day, scout and model, and whatever earned nothing has its reason', async () => {
    const page = await stage.signedIn(ownerKey, {}, 'points')
    await page.getByText(/^[\d,]+ points this season, [\d,]+ waiting for some days to pass\.$/).waitFor({
      timeout: patienceMs,
    })
    await page.getByRole('row', { name: /^Your own requests cost nothing and earn nothing/ }).waitFor()
    await page.getByRole('row', { name: /^The model is not in the price list/ }).waitFor()
    await page.getByRole('button', { name: 'By model' }).click()
    await page.getByRole('row', { name: /^odd-model.*tasks? earned nothing: the model is not in/ }).waitFor({
      timeout: patienceMs,
    })
    await page.getByRole('button', { name: 'By scout' }).click()
    await page.getByRole('button', { name: 'bee', exact: true }).click({ timeout: patienceMs })
    await page.getByRole('button', { name: /^scout: bee/ }).waitFor({ timeout: patienceMs })
    await page.getByLabel('Season').selectOption(season)
    await page.getByRole('button', { name: /^scout: bee/ }).click()
    await page.getByText(/^[\d,]+ points in \w+ \d{4}\.$/).waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Points a day as a table' }).click()
    await page.getByRole('columnheader', { name: 'points', exact: true }).waitFor({ timeout: patienceMs })
  })

  test('that one task did not earn have their reason on its receipt, which others do not find', async () => {
    const page = await stage.signedIn(ownerKey, {}, 'points/receipts')
    await page.getByLabel('Id of the answer').fill(`${lastTask - 1}`, { timeout: patienceMs })
    await page.getByRole('button', { name: 'Find it' }).click()
    await page.getByText('It earned nothing. Your own requests cost nothing and earn nothing.').waitFor({
      timeout: patienceMs,
    })
    await page.getByText(`${owner}/bee`).waitFor()
    await openPage(page, `points/receipts/${lastTask - 3}`)
    await page.getByText(`${owner}/ant`).waitFor({ timeout: patienceMs })
    expect(await page.getByText(/^It earned nothing\./).count()).toBe(0)
    const visitor = await stage.signedIn(stage.hub.clientKey, {}, `points/receipts/${lastTask - 3}`)
    await visitor.getByText('There is no receipt of this task, or it is not yours.').waitFor({ timeout: patienceMs })
  })

  test('on the leaderboard have names by consent alone, which is given and taken back by keyboard', async () => {
    const page = await stage.signedIn(ownerKey, {}, 'points/leaderboard')
    await page.getByText(/^You are number 2 of 2 operators/).waitFor({ timeout: patienceMs })
    expect(await page.getByText('without a name').count()).toBe(2)
    await tabTo(page, 'Show my name')
    await page.keyboard.press('Enter')
    await page.getByLabel('Name').waitFor({ timeout: patienceMs })
    await tabTo(page, 'Name')
    await page.keyboard.type('Ant & <b>Co</b>')
    await page.keyboard.press('Enter')
    await page.getByText('You are shown as Ant & <b>Co</b>').waitFor({ timeout: patienceMs })
    const visitor = await stage.signedIn(stage.hub.clientKey, {}, 'points/leaderboard')
    await visitor.getByRole('row', { name: /^2 ?Ant & <b>Co<\/b>/ }).waitFor({ timeout: patienceMs })
    await tabTo(page, 'Show no name')
    await page.keyboard.press('Enter')
    await page.getByText('your points are shown without a name').waitFor({ timeout: patienceMs })
    await openPage(visitor, 'overview')
    await openPage(visitor, 'points/leaderboard')
    await visitor.getByText('without a name').nth(1).waitFor({ timeout: patienceMs })
  })

  test('of a closed season come as files that the verifier finds true, with links for an administrator', async () => {
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'points/seasons')
    await page
      .getByRole('link', { name: /\w+ \d{4}/ })
      .last()
      .click({ timeout: patienceMs })
    const folder = temporaryFolder()
    const saved = async (name: string) => {
      const download = page.waitForEvent('download', { timeout: patienceMs })
      await page.getByRole('link', { name, exact: true }).click()
      const file = await download
      await file.saveAs(join(folder, file.suggestedFilename()))
      return readFileSync(join(folder, file.suggestedFilename()))
    }
    const csv = await saved('CSV')
    const signature = (await saved('Signature of the CSV')).toString().trim()
    expect(isSigned(stage.hub.hub.engine.ledger!.hub, csv, signature)).toBe(true)
    expect(csv.toString()).toContain(`${season},${owner},`)
    await page.getByRole('link', { name: owner }).click()
    await page.getByRole('button', { name: new RegExp(`^operator: ${owner}`) }).waitFor({ timeout: patienceMs })
    await page.getByText(/^[\d,]+ points in/).waitFor({ timeout: patienceMs })
  })

  test('of the open season have no files yet, and everything that was made is accounted for', async () => {
    const page = await stage.signedIn(ownerKey, {}, `points/seasons/${seasonAt(Date.now())}`)
    await page.getByText('are here once it is closed').waitFor({ timeout: patienceMs })
    expect(await page.getByRole('link', { name: 'CSV', exact: true }).count()).toBe(0)
    await openPage(page, 'points/seasons')
    const sums = await page.getByRole('region', { name: 'All points' }).locator('td.right').allTextContents()
    const { minted } = stage.hub.hub.engine.ledger!.conservation()
    const points = sums.map((text) => Number(text.replaceAll(',', '')))
    expect(points.at(-1)).toBe(minted)
    expect(points.slice(0, -1).reduce((sum, some) => sum + some, 0)).toBe(minted)
  })

  test('are said to be off where the hub shows none', async () => {
    const silent = await PageStage.open((found as { path: string }).path, { points: 'off' })
    onTestFinished(() => silent.close())
    const page = await silent.signedIn(silent.hub.clientKey, {}, 'points')
    await page.getByText('This orchestrator shows no points').waitFor({ timeout: patienceMs })
    expect(await page.getByRole('alert').count()).toBe(0)
    await openPage(page, 'account')
    expect(await page.getByLabel('Name').count()).toBe(0)
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    test.each([1440, 768, 360])('are accessible and do not overflow at %i pixels', async (width) => {
      const page = await stage.signedIn(ownerKey, { theme, width })
      const flaws: string[] = []
      const parts = [
        'points',
        'points?by=model',
        'points/leaderboard',
        'points/seasons',
        `points/seasons/${season}`,
        `points/receipts/${lastTask - 1}`,
      ]
      for (const path of [...parts, 'account']) flaws.push(...(await flawsOf(page, path)))
      expect(flaws).toEqual([])
    })
  })
})
