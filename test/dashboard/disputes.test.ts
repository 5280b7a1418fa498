/**
 * Disputes in a real Chromium: the flag on answers and what it sends, and how a dispute is shown to both of its sides.
 * What the routes of disputes answer is given by the tests, in the form that the API documents.
 */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Dispute } from '../../orchestrator/dashboard/page/disputes/dispute.ts'
import { patienceMs } from '../support/clocks/until.ts'
import { installMsMax } from '../support/machine/apt.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { flawsOf, PageStage, tabTo } from './page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''

const votes = [
  { against: true, why: 'It speaks of <b>something</b> else.' },
  { against: null, why: 'All are fine.' },
]
const upheld: Dispute = {
  ...{ id: 'dsp_1', side: 'scout', state: 'upheld', verdict: 'upheld', reason: 'off_topic', comment: null },
  ...{ scout: 'key_a/ant', model: 'demo-large', filed: 1_700_000_000, appeal_by: 4_000_000_000 },
  ruling_by: null,
  hearings: [{ reruns: 3, votes, verdict: 'upheld' }],
  sentences: ['The answer does not hold: 2 judges were against it, 0 for it.'],
}

describe.skipIf('reason' in found)(`disputes${skipped}`, () => {
  let stage: PageStage
  beforeAll(async () => {
    stage = await PageStage.open((found as { path: string }).path)
    await stage.hub.addScout({ name: 'ant' })
  }, installMsMax)
  afterAll(() => stage?.close())
  afterEach(() => stage.closePages())

  /** Answers filing; gives the bodies that were sent. */
  async function filing(page: Page): Promise<Record<string, unknown>[]> {
    const sent: Record<string, unknown>[] = []
    await page.route('**/v1/disputes', (route) => {
      sent.push(route.request().postDataJSON() as Record<string, unknown>)
      return route.fulfill({ status: 201, json: upheld })
    })
    return sent
  }

  const list = (page: Page, data: Dispute[]) =>
    page.route(/\/v1\/(me\/)?disputes$/, (route) => route.fulfill({ json: { object: 'list', data } }))

  test('begin at an answer of the playground, by keyboard, with the request as it was sent', async () => {
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'playground')
    const sent = await filing(page)
    const chat = page.waitForRequest('**/v1/chat/completions', { timeout: patienceMs })
    await page.getByLabel('Message').fill('Tell me of the chasm', { timeout: patienceMs })
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Dispute this answer' }).waitFor({ timeout: patienceMs })
    await tabTo(page, 'Dispute this answer')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Dispute this answer' }).waitFor({ timeout: patienceMs })
    await page.getByLabel('Reason').selectOption('truncated')
    await tabTo(page, 'Comment')
    await page.keyboard.type('It ends too early.')
    await tabTo(page, 'Dispute it')
    await page.keyboard.press('Enter')
    await page.getByText('You dispute this answer').waitFor({ timeout: patienceMs })
    const request = (await chat).postData()
    const answer = await page.locator('.turn.assistant .answer').textContent()
    expect(sent).toEqual([
      {
        task: expect.stringMatching(/^chatcmpl-/),
        request,
        answer,
        reason: 'truncated',
        comment: 'It ends too early.',
      },
    ])
  })

  test('begin at a node of a run that needs no other, and a refusal is shown in the dialog', async () => {
    const nodes = [
      { id: 'for', prompt: 'Yes?' },
      { id: 'both', needs: ['for'], prompt: 'So?' },
    ]
    const accepted = await stage.hub.post('/v1/intents', { scroll: { nodes } })
    const { id } = (await accepted.json()) as { id: string }
    const page = await stage.signedIn(stage.hub.clientKey, {}, `intents/${id}`)
    await page.getByText(/^2 of 2 nodes/).waitFor({ timeout: patienceMs })
    await page.locator('.run .answer').waitFor({ timeout: patienceMs })
    expect(await page.getByRole('button', { name: 'Dispute this answer' }).count()).toBe(0)
    await page.getByRole('button', { name: /^for ant: done/ }).press('Enter')
    const error = { message: 'There is a dispute about this answer.' }
    await page.route('**/v1/disputes', (route) => route.fulfill({ status: 409, json: { error } }))
    await page.getByRole('button', { name: 'Dispute this answer' }).click({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Dispute it' }).click()
    await page.getByRole('dialog').getByText(error.message).waitFor({ timeout: patienceMs })
    await page.unroute('**/v1/disputes')
    const sent = await filing(page)
    await page.getByRole('button', { name: 'Dispute it' }).click()
    await page.getByText('You dispute this answer').waitFor({ timeout: patienceMs })
    expect(sent).toEqual([{ intent: id, node: 'for', reason: 'wrong' }])
  })

  test('are read by the owner of the scout with the reasons of the judges, as text, who may appeal', async () => {
    const page = await stage.signedIn(stage.hub.scoutKey)
    await list(page, [upheld])
    await page.getByRole('link', { name: 'Disputes' }).click()
    const panel = page.getByRole('region', { name: 'ant with demo-large' })
    await panel.getByText('The answer does not hold').waitFor({ timeout: patienceMs })
    await panel.getByText('2 judges said beside 3 other answers').click()
    await panel.getByText('It speaks of <b>something</b> else.').waitFor({ timeout: patienceMs })
    await panel.getByText('does not count').waitFor()
    const appealed = page.waitForRequest('**/v1/disputes/dsp_1/appeal', { timeout: patienceMs })
    await page.route('**/v1/disputes/dsp_1/appeal', (route) => route.fulfill({ json: upheld }))
    await panel.getByRole('button', { name: 'Appeal' }).click()
    expect((await appealed).method()).toBe('POST')
  })

  test('cannot be appealed by the side that won', async () => {
    const page = await stage.signedIn(stage.hub.clientKey)
    await list(page, [{ ...upheld, side: 'client', scout: null, comment: 'No word of it.' }])
    await page.getByRole('link', { name: 'Disputes' }).click()
    await page.getByText('Your comment: No word of it.').waitFor({ timeout: patienceMs })
    expect(await page.getByRole('button', { name: 'Appeal' }).count()).toBe(0)
  })

  test('that were appealed are decided by an administrator, who reads the texts when asking for them', async () => {
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'disputes')
    const appealed: Dispute = { ...upheld, side: 'admin', comment: 'No word of it.', ruling_by: 4_000_000_000 }
    await page.route('**/v1/admin/disputes', (route) => route.fulfill({ json: { object: 'list', data: [appealed] } }))
    const texts = { request: '{"model":"m"}', answer: '{"choices":[]}', reruns: ['Another <i>answer</i>.'] }
    await page.route('**/v1/admin/disputes/dsp_1', (route) => route.fulfill({ json: { ...appealed, texts } }))
    await page.getByRole('button', { name: 'Appealed, of everybody' }).click({ timeout: patienceMs })
    const panel = page.getByRole('region', { name: 'ant with demo-large' })
    await panel.getByText("The client's comment: No word of it.").waitFor({ timeout: patienceMs })
    expect(await panel.getByRole('button', { name: 'Appeal' }).count()).toBe(0)
    await panel.getByRole('button', { name: 'Read request and answers' }).click()
    await panel.getByText("Another scout's answer 1").click({ timeout: patienceMs })
    await panel.getByText('Another <i>answer</i>.').waitFor({ timeout: patienceMs })
    await panel.getByRole('button', { name: 'Decide' }).click()
    await panel.getByLabel('Verdict').selectOption('rejected')
    await panel.getByLabel('Why').fill('It holds.')
    const decided = page.waitForRequest('**/v1/admin/disputes/dsp_1/ruling', { timeout: patienceMs })
    await page.route('**/v1/admin/disputes/dsp_1/ruling', (route) => route.fulfill({ json: appealed }))
    await panel.getByRole('button', { name: 'Decide' }).click()
    expect((await decided).postDataJSON()).toEqual({ verdict: 'rejected', why: 'It holds.' })
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    test.each([1440, 768, 360])('are accessible and do not overflow at %i pixels', async (width) => {
      const page = await stage.signedIn(stage.hub.clientKey, { theme, width })
      await list(page, [upheld, { ...upheld, id: 'dsp_2', verdict: null, state: 'judging', appeal_by: null }])
      const flaws = await flawsOf(page, 'disputes?of=scouts')
      expect(flaws).toEqual([])
    })
  })
})
