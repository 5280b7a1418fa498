/**
 * Disputes where points are spent: what both sides pledge, what comes back of it, and that the client of an answer that
 * does not hold is given back what it had spent on it. The whole chain is checked by the verifier's own books.
 */
import { expect, test } from 'vitest'
import type { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import { clientOf, mint } from '../../../orchestrator/ledger/accounts/account.ts'
import { firstLine, rulesLine, wholeBatchLine } from '../../../orchestrator/ledger/receipts/export-file.ts'
import { hearingSize } from '../../../shared/limits/trust/disputes.ts'
import { readReceipt } from '../../../verifier/receipt.ts'
import { until } from '../../support/clocks/until.ts'
import { checkedLedger } from '../../support/ledger/calendar.ts'
import { listedRules } from '../../support/ledger/small-ledger.ts'
import { constant, DisputeStage, type Given, honest } from './dispute-stage.ts'

const sixteen = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`s${at}`, honest]))
const start = 1_000_000

class PaidStage {
  private constructor(readonly stage: DisputeStage) {}

  static async open(scouts: Parameters<typeof DisputeStage.open>[1], rich = 2): Promise<PaidStage> {
    const stage = await DisputeStage.open('enforce', scouts, undefined, 'spend')
    const paid = new PaidStage(stage)
    for (const tenant of stage.tenants.slice(0, rich)) await paid.give(tenant, start)
    return paid
  }

  get ledger(): Ledger {
    return this.stage.live.hub.engine.ledger as Ledger
  }

  /** As the season command does. */
  ask(event: object): void {
    const write = { write: 'askLedger', event: JSON.stringify(event) } as const
    this.stage.live.hub.engine.journal.add([write], () => {})
  }

  async give(tenant: string, points: number): Promise<void> {
    const event = { type: 'transfer', why: 'grant', from: mint, to: clientOf(tenant), points }
    const { minted } = this.ledger.conservation()
    this.ask(event)
    await until('the grant', () => this.ledger.conservation().minted > minted)
  }

  has(client: number): number {
    return this.ledger.spendable(this.stage.tenants[client]!)!.available
  }

  /** What a receipt says that its task was worth, with the fee. */
  async costOf(given: Given): Promise<number> {
    await this.stage.sealed(given)
    const task = Number.parseInt(given.id.slice(given.id.indexOf('-') + 1), 36)
    const { receipt } = this.ledger.receipt(task, null) as { receipt: Uint8Array }
    const { points } = readReceipt(Buffer.from(receipt))
    return points + Math.ceil(points / 20)
  }

  /** Nothing is under way: what the verifier finds in the exported chain. */
  async sums(): Promise<Record<string, number>> {
    await until('all to be settled', () => this.ledger.held === 0)
    const { ledger } = this
    const seq = ledger.lastSeq()
    await this.give(this.stage.tenants[3]!, 1)
    expect(ledger.lastSeq()).toBeGreaterThan(seq)
    const lines = ledger.batchesAfter(0, 99_999).map(wholeBatchLine)
    const file = firstLine(ledger.hub) + rulesLine(listedRules().text) + lines.join('')
    return checkedLedger(file, ledger.hub).books!.sums()
  }
}

test('an upheld dispute gives back what was pledged and what was spent on the answer', async () => {
  const paid = await PaidStage.open({ ...sixteen, cheat: constant })
  const { stage, ledger } = paid
  await stage.sealed(await stage.answerOf('cheat', 1))
  const given = await stage.answerOf('cheat', 0)
  const cost = await paid.costOf(given)
  await until('the answer to be paid', () => ledger.held === 0)
  const before = paid.has(0)
  const filed = await stage.file(given)
  expect(filed).toMatchObject({ status: 201, body: { pledged: hearingSize * cost, repaid: 0 } })
  expect(paid.has(0)).toBe(before - hearingSize * cost)
  expect(filed.body.sentences).toContain(`You pledged ${hearingSize * cost} points, which come back unless you lose.`)
  await stage.decided(filed.body.id)

  // The scout's owner appeals, for which it needs points to spend; an administrator has the last word.
  const path = `/v1/disputes/${filed.body.id}/appeal`
  const poor = await stage.as(stage.keyOf('cheat'), path, {})
  expect([poor.status, await poor.json()]).toMatchObject([402, { error: { code: 'insufficient_points' } }])
  const operator = given.scout.split('/')[0]!
  await paid.give(operator, start)
  expect((await stage.as(stage.keyOf('cheat'), path, {})).status).toBe(200)
  expect(ledger.spendable(operator)!.available).toBe(start - 2 * hearingSize * cost)
  await stage.decided(filed.body.id)
  const ruling = { verdict: 'upheld', why: 'It says the same to everybody.' }
  await stage.as(stage.live.adminKey, `/v1/admin/disputes/${filed.body.id}/ruling`, ruling)
  await until('what follows', () => stage.live.hub.engine.disputes!.counts().verdicts.upheld === 1)
  const final = await stage.seenByClient(filed.body.id)
  expect(final).toMatchObject({ state: 'final', repaid: cost, clawed: filed.body.held })
  expect(final.sentences[1]).toMatch(/points were taken back/)
  expect(final.sentences[2]).toBe(
    `The ${hearingSize * cost} points that you pledged came back, and the ${cost} that you had spent on the answer.`,
  )
  expect(paid.has(0)).toBe(before + cost)
  expect(ledger.spendable(operator)!.available).toBe(start - 2 * hearingSize * cost)
  const lost = await stage.seenByScout(filed.body.id, 'cheat')
  expect(lost).toMatchObject({ pledged: 2 * hearingSize * cost, repaid: 0 })
  expect(ledger.pledges!.open()).toEqual([])
  const { minted, escrow, burnt, spendable } = await paid.sums()
  expect(minted).toBe(escrow! + burnt! + spendable!)
})

test('a rejected one loses what was pledged, and an undecided one loses nothing', async () => {
  const paid = await PaidStage.open({ ...sixteen })
  const { stage, ledger } = paid
  const given = await stage.answerOf('s3', 0)
  const cost = await paid.costOf(given)
  await until('the answer to be paid', () => ledger.held === 0)
  const before = paid.has(0)
  const filed = await stage.file(given)
  expect(await stage.decided(filed.body.id)).toMatchObject({ verdict: 'rejected', pledged: hearingSize * cost })
  const path = `/v1/disputes/${filed.body.id}/appeal`
  expect((await stage.as(stage.clientKeys[0]!, path, {})).status).toBe(200)
  expect(paid.has(0)).toBe(before - 3 * hearingSize * cost)
  await stage.decided(filed.body.id)
  await stage.as(stage.live.adminKey, `/v1/admin/disputes/${filed.body.id}/ruling`, {
    verdict: 'rejected',
    why: 'It holds.',
  })
  await until('what follows', () => stage.live.hub.engine.disputes!.counts().verdicts.rejected === 1)
  const final = await stage.seenByClient(filed.body.id)
  const all = 3 * hearingSize * cost
  expect(final.sentences).toContain(`You lost ${all} of the ${all} points that you pledged.`)
  expect(paid.has(0)).toBe(before - all)
  expect(ledger.pledges!.open()).toEqual([])
})

test('nobody who cannot pledge files a dispute, and nothing is set aside for one that is refused', async () => {
  const paid = await PaidStage.open({ ...sixteen }, 1)
  const { stage, ledger } = paid
  const given = await stage.answerOf('s2', 0)
  const cost = await paid.costOf(given)
  await until('the answer to be paid', () => ledger.held === 0)
  const event = {
    type: 'transfer',
    why: 'revoke',
    from: clientOf(stage.tenants[0]!),
    to: 'burn',
    points: paid.has(0) - 1,
  }
  paid.ask(event)
  await until('the points to go', () => paid.has(0) === 1)
  const refused = await stage.file(given)
  expect(refused).toMatchObject({ status: 402, body: { error: { code: 'insufficient_points' } } })
  expect((refused.body as unknown as { error: { message: string } }).error.message).toContain(
    `This sets ${hearingSize * cost} points aside, which come back unless you lose, and you have 1 to spend`,
  )
  expect([paid.has(0), ledger.pledges!.open()]).toEqual([1, []])
  await paid.give(stage.tenants[0]!, start)
  expect((await stage.file(given)).status).toBe(201)
  expect((await stage.file(given)).status).toBe(409)
  expect(ledger.pledges!.open()).toHaveLength(1)
})
