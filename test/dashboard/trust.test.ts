/** Trust in a real Chromium: what checks found out, in words, to whoever runs the scout and to administrators. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { patienceMs } from '../support/clocks/until.ts'
import { installMsMax } from '../support/machine/apt.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { flawsOf, openPage, PageStage } from './page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''

describe.skipIf('reason' in found)(`trust${skipped}`, () => {
  let stage: PageStage
  let scout: string
  beforeAll(async () => {
    stage = await PageStage.open((found as { path: string }).path)
    const { hub } = stage
    await hub.addScout({ name: 'ant' })
    scout = hub.hub.engine.scouts()[0]!.id
    const owner = scout.slice(0, scout.indexOf('/'))
    const { book } = hub.hub.trust!
    const doubted = book.of(scout, 'demo-large', owner)!
    for (let check = 0; check < 5; check++) book.book(doubted, 'odd', Number.MAX_SAFE_INTEGER)
    book.book(book.of(scout, 'demo-small', owner)!, 'pass', 0)
    book.book(book.of('key_other/away', 'demo-small', 'key_other')!, 'pass', 0)
    // As if all of that had been yesterday.
    for (const record of book.list()) book.midnight.take(record)
  }, installMsMax)
  afterAll(() => stage?.close())
  afterEach(() => stage.closePages())

  test('is shown to whoever runs the scout: its state, and what that means, of its own scouts alone', async () => {
    const page = await stage.signedIn(stage.hub.scoutKey, {}, 'scouts/trust')
    const doubted = page.getByRole('row', { name: /^ant with demo-large/ })
    await doubted.getByText('watched', { exact: true }).waitFor({ timeout: patienceMs })
    await doubted.getByText(/^Answers for demo-large differed from others' \(5 of 5 checks failed\)/).waitFor()
    await page.getByText('1 of 10 first checks of demo-small passed; it gets work meanwhile.').waitFor()
    expect(await page.getByText('away').count()).toBe(0)
    expect(await page.getByRole('columnheader', { name: 'Doubt' }).count()).toBe(0)
    await openPage(page, `scouts/${scout}`)
    await page.getByRole('region', { name: 'Trust', exact: true }).getByText('watched').waitFor({ timeout: patienceMs })
  })

  test('is listed for an administrator with doubts, the gravest first, and how many checks there are', async () => {
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'scouts')
    await page.getByRole('button', { name: 'Trust', exact: true }).click({ timeout: patienceMs })
    await page.getByText('Checks in 24 hours').waitFor({ timeout: patienceMs })
    const rows = page.getByRole('row')
    expect(await rows.nth(1).textContent()).toMatch(/^ant with demo-large.*watched55.*4\.9key_/)
    expect(await page.getByRole('row', { name: /^away/ }).count()).toBe(1)
    await page.getByText('This orchestrator checks answers and only watches').waitFor()
  })

  test('of somebody without scouts is an empty list that says how checks begin', async () => {
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'scouts/trust')
    await page.getByText('No answer of a scout was checked yet.').waitFor({ timeout: patienceMs })
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    test.each([1440, 768, 360])('is accessible and does not overflow at %i pixels', async (width) => {
      const flaws: string[] = []
      for (const key of [stage.hub.scoutKey, stage.hub.adminKey]) {
        const page = await stage.signedIn(key, { theme, width })
        for (const path of ['scouts/trust', `scouts/${scout}`]) flaws.push(...(await flawsOf(page, path)))
      }
      expect(flaws).toEqual([])
    })
  })
})
