/** Points that clients spend: set aside before a task begins, spent as its receipt says, the rest given back. */
import { describe, expect, test } from 'vitest'
import type { WorkDone } from '../../orchestrator/engine/ports/ledger/work.ts'
import { auditTenant } from '../../orchestrator/engine/ports/trust/witness.ts'
import { violationsOf } from '../../orchestrator/ledger/accounts/balances.ts'
import { Projector } from '../../orchestrator/ledger/accounts/projector.ts'
import { isReceipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { type KeyLimits, noLimits, noScopes } from '../../shared/keys/key-terms.ts'
import { batchLeavesMax } from '../../shared/limits/ledger/ledger.ts'
import { bytesOf, deltaLine, type EngineBench, finishLine, roleLine, tail } from '../support/hub/engine-bench.ts'
import { workOf } from '../support/ledger/past-work.ts'
import { SpendingBench } from '../support/ledger/spending-bench.ts'

/** 50 and 80 points for a million units of prompt and answer, in thousands. */
const model = 'llama-3.1-8b-instant'
const answerTokens = 1_000_000
const body = bytesOf(
  JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(4_000) }], max_tokens: answerTokens }),
)
/** 1,000 units and a few of the JSON around; 1,000,000 units of an answer: at most. */
const promptMost = Math.ceil(body.length / 4)
const worthMost = Math.round((promptMost * 50_000 + answerTokens * 80_000) / 1e6)
const most = worthMost + Math.ceil(worthMost / 20)
/** Of 1,000 units of prompt and one of an answer. */
const worth = Math.round((1_000 * 50_000 + 1 * 80_000) / 1e6)
const cost = worth + Math.ceil(worth / 20)

class Stage extends SpendingBench {
  has(tenant = 'tenant'): number {
    return this.ledger.spendable(tenant)!.available
  }

  /** Everything is sealed; what the chain says of what clients have, and nothing of it came from nowhere. */
  sealed() {
    this.bench.system.pass(2_000)
    const projector = new Projector()
    for (const batch of this.ledger.batchesAfter(0, 99)) projector.fold(batch)
    expect(violationsOf(projector.balances)).toEqual([])
    const { client, reserved, burn } = projector.balances.totals
    return { client, reserved, burn }
  }
}

const failureOf = (answer: ReturnType<EngineBench['ask']>) => {
  const end = answer.take()?.end
  return end?.type === 'failed' ? end.fault : null
}

describe('a task that costs points', () => {
  test('sets aside what it may cost at most, and pays what its receipt says with the fee', () => {
    const stage = new Stage()
    const { bench } = stage
    bench.join([model], 1)
    bench.ask({ model, body })
    expect([stage.has(), stage.ledger.held]).toEqual([1_000_000 - most, most])
    const work = bench.work()
    work.say(roleLine, deltaLine('abcd'), finishLine)
    work.done(tail)
    expect([stage.has(), stage.ledger.held]).toEqual([1_000_000 - cost, 0])
    expect(stage.sealed()).toEqual({ client: 1_000_000 - cost, reserved: 0, burn: cost })
    expect(stage.ledger.conservation()).toMatchObject({ escrow: worth, burnt: cost, spendable: 1_000_000 - cost })
  })

  test('that fails, is cancelled, or finds nobody costs nothing', () => {
    const stage = new Stage()
    const { bench } = stage
    bench.join([model], 2)
    const failed = bench.ask({ model, body, routing: { attemptsMax: 1 } })
    bench.work().fail('scout_error')
    expect(failureOf(failed)).not.toBeNull()
    const left = bench.ask({ model, body })
    bench.work()
    left.abandon()
    bench.ask({ model: 'nobody has it', body })
    expect([stage.has(), stage.ledger.held]).toEqual([1_000_000, 0])
    expect(stage.sealed()).toEqual({ client: 1_000_000, reserved: 0, burn: 0 })
  })

  test('is refused to whoever has less, with the figures; what is set aside for others funds nothing', () => {
    const stage = new Stage({ tenant: most + 10 })
    const { bench } = stage
    bench.join([model], 0)
    bench.ask({ model, body })
    const refused = failureOf(bench.ask({ model, body }))
    expect(refused).toMatchObject({ code: 'insufficient_points' })
    expect(refused!.message).toContain(`may cost ${most} points, and you have 10 to spend`)
    expect(failureOf(bench.ask({ model, body, tenant: 'poor' }))).toMatchObject({ code: 'insufficient_points' })
    expect(stage.ledger.held).toBe(most)
  })

  test('that budgets of its key refuse sets nothing aside', () => {
    const stage = new Stage()
    const limits: KeyLimits = { ...noLimits, budgets: [{ unit: 'tokens', per: 'day', amount: 1 }] }
    const key = { id: 'k', tenant: 'tenant', account: null, scopes: noScopes, limits, accountLimits: noLimits }
    stage.bench.join([model], 1)
    expect(failureOf(stage.bench.ask({ model, body, key }))).toMatchObject({ code: 'budget_exceeded' })
    expect([stage.has(), stage.ledger.held]).toEqual([1_000_000, 0])
  })

  test('of an audit costs nobody anything', () => {
    const stage = new Stage({})
    stage.bench.join([model], 1)
    stage.bench.ask({ model, body, tenant: auditTenant })
    stage.bench.work().done(tail)
    expect(stage.ledger.held).toBe(0)
  })
})

describe('the work of own scouts', () => {
  test('costs nothing, also for whoever has no points; then nobody else does it', () => {
    const stage = new Stage({ operator: 0 + most })
    const { bench } = stage
    bench.join([model], 2)
    const paid = bench.ask({ model, body, tenant: 'operator' })
    const work = bench.work()
    work.say(roleLine, deltaLine('abcd'), finishLine)
    work.done(tail)
    expect(paid.take()).not.toBeNull()
    expect([stage.has('operator'), stage.ledger.held]).toEqual([most, 0])
    const poor = new Stage({})
    const own = poor.bench.join([model], 0)
    poor.bench.join([model], 1, {}, 'stranger')
    poor.bench.ask({ model, body, tenant: 'operator' })
    expect(poor.bench.take('task')).toEqual([])
    poor.bench.scouts.credit(own, 1)
    const free = poor.bench.work()
    expect(free.session).toBe(own)
    free.done(tail)
    expect(poor.sealed()).toEqual({ client: 0, reserved: 0, burn: 0 })
    expect(failureOf(poor.bench.ask({ model: 'another', body, tenant: 'operator' }))).not.toBeNull()
    const routing = { only: ['somebody'] }
    expect(failureOf(poor.bench.ask({ model, body, tenant: 'operator', routing }))).toMatchObject({
      code: 'insufficient_points',
    })
  })
})

describe('what is spent', () => {
  function stageOf(tasks: number) {
    const { ledger, bench } = new Stage()
    const work = (task: number, signed: WorkDone['signed'] = null) => {
      const hold = ledger.purse!.holdPoints('tenant', 3)
      if (hold === null || 'code' in hold) throw new Error('nothing was set aside')
      ledger.worked({ ...workOf(task, { scout: 'alice/scout', model, tenant: 'tenant', units: 1 }), signed })
      hold.owed = { task, points: 2 }
      ledger.purse!.over(hold)
    }
    for (let task = 1; task <= tasks; task++) work(task)
    return { ledger, bench, work }
  }

  function expectBehind(ledger: Stage['ledger'], tasks: number) {
    const leaves = ledger.batchesAfter(0, 99).flatMap((batch) => batch.leaves)
    const isSpent = (leaf: Uint8Array) => Buffer.from(leaf).includes('"spend"')
    expect(leaves.findIndex(isSpent)).toBeGreaterThan(leaves.findLastIndex(isReceipt))
    expect([leaves.filter(isReceipt).length, leaves.filter(isSpent).length]).toEqual([tasks, tasks])
  }

  test('comes behind all receipts, however many batches of them wait', () => {
    const tasks = 2 * batchLeavesMax + 1
    const { ledger, bench } = stageOf(tasks)
    ledger.tick()
    bench.system.pass(2_000)
    expectBehind(ledger, tasks)
  })

  test('comes behind receipts whose signatures are being checked, too', () => {
    const tasks = 2 * batchLeavesMax
    const { ledger, bench, work } = stageOf(tasks)
    ledger.tick()
    work(tasks + 1, { nonce: new Uint8Array(16), signature: new Uint8Array(64) })
    bench.system.pass(2_000)
    expectBehind(ledger, tasks + 1)
  })
})

test('what a process that died had set aside is given back by the next one', () => {
  const stage = new Stage()
  stage.bench.join([model], 1)
  stage.bench.ask({ model, body })
  stage.bench.system.pass(2_000)
  expect(stage.ledger.conservation()).toMatchObject({ spendable: 1_000_000 })
  expect(stage.has()).toBe(1_000_000 - most)
  stage.boot()
  expect([stage.has(), stage.ledger.held]).toEqual([1_000_000, 0])
  expect(stage.sealed()).toEqual({ client: 1_000_000, reserved: 0, burn: 0 })
})
