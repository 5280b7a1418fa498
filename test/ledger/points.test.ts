import { describe, expect, test } from 'vitest'
import { Random } from '../../orchestrator/core/model/random.ts'
import { EqualRequests, LeasedRequests } from '../../orchestrator/ledger/points/request-memory.ts'
import { defaultPrices, readRules, rulesOf } from '../../orchestrator/ledger/points/rules.ts'
import {
  answerUnitsOf,
  countedBytes,
  paidPrice,
  pointsOf,
  promptUnitsOf,
} from '../../orchestrator/ledger/points/work.ts'
import { type Circumstances, earnsNothing, flagsOf, zeroReasons } from '../../orchestrator/ledger/points/zero-rules.ts'
import { listPriceMax, pricedModelsMax, taskPointsMax } from '../../shared/limits/ledger/ledger.ts'
import { listedRules } from '../support/ledger/small-ledger.ts'

describe('the rules', () => {
  test('are the same text, and so the same hash, in whatever order the models are given', () => {
    const [one, other] = [rulesOf({ a: [1, 2], b: [3, 4] }), rulesOf({ b: [3, 4], a: [1, 2] })]
    if ('flaw' in one || 'flaw' in other) throw new Error('no rules')
    expect(one.hash).toEqual(other.hash)
    expect(readRules(one.text)).toMatchObject({ text: one.text, hash: one.hash })
  })

  test('pay for a model that is not listed a tenth of the least price', () => {
    const rules = listedRules()
    expect(rules.priceOf('llama3.2')).toEqual({ prompt: 30_000, answer: 50_000 })
    expect(rules.priceOf('mine')).toBeUndefined()
    // Embeddings have no price of an answer, which is not to make every other answer free.
    expect(paidPrice(rules, 'mine')).toEqual({ prompt: 1_000, answer: 5_000 })
  })

  test.each([
    ['nothing', '', 'it is no JSON object with a version and prices'],
    ['a list', '[]', 'it is no JSON object with a version and prices'],
    ['another version', '{"version":2,"prices":{"a":[1,2]}}', 'its version is not 1'],
    ['no models', '{"version":1,"prices":{}}', 'its price list is empty'],
    ['one number', '{"version":1,"prices":{"a":[1]}}', 'the price of "a" is no pair of whole numbers'],
    ['a fraction', '{"version":1,"prices":{"a":[0.5,1]}}', 'the price of "a" is no pair of whole numbers'],
    ['a negative', '{"version":1,"prices":{"a":[-1,1]}}', 'the price of "a" is no pair of whole numbers'],
    [
      'a fortune',
      `{"version":1,"prices":{"a":[1,${listPriceMax + 1}]}}`,
      'the price of "a" is no pair of whole numbers',
    ],
  ])('refuse %s', (_what, text, flaw) => {
    expect(readRules(text)).toEqual({ flaw })
  })

  test('refuse more models than a list may have', () => {
    const prices = Object.fromEntries(
      Array.from({ length: pricedModelsMax + 1 }, (_, at) => [`m${at}`, [1, 2] as const]),
    )
    expect(rulesOf(prices)).toEqual({ flaw: `its price list has more than ${pricedModelsMax} models` })
    expect(rulesOf(defaultPrices)).not.toHaveProperty('flaw')
  })
})

describe('points of work', () => {
  test('are the list price in millionths of a dollar of what the hub counted', () => {
    const price = { prompt: 50_000, answer: 80_000 }
    expect(promptUnitsOf(4_001, 0)).toBe(1_001)
    expect(promptUnitsOf(0, 2)).toBe(2_000)
    expect(pointsOf(price, 1_000_000, 1_000_000)).toBe(130_000)
    expect(pointsOf(price, 0, 0)).toBe(1)
    expect(pointsOf({ prompt: listPriceMax, answer: listPriceMax }, 1e9, 1e9)).toBe(taskPointsMax)
  })

  test('count no more of an answer than its client allowed', () => {
    expect(answerUnitsOf(400, null)).toBe(100)
    expect(answerUnitsOf(400, 10)).toBe(10)
    expect(answerUnitsOf(400, -1)).toBe(0)
  })

  test('count filler by what is left of it when it is deflated, and short texts as they are', () => {
    expect(countedBytes(4_095, 1)).toBe(4_095)
    expect(countedBytes(40_000, 10_000)).toBe(40_000)
    expect(countedBytes(40_000, 100)).toBe(800)
  })
})

const paid: Circumstances = {
  ...{ client: 'acc_1', operator: 'acc_2', isDirected: false, isListed: true, owners: 1, isLoop: false },
  ...{ equalRequests: 1, isConvicted: false, isPartial: false, isAudit: false, isContinued: false, isElsewhere: false },
}

describe('a task earns nothing', () => {
  test.each<[reason: string, changes: Partial<Circumstances>]>([
    ['own', { client: 'acc_2' }],
    ['directed', { isDirected: true }],
    ['unlisted', { isListed: false, owners: 1 }],
    ['loop', { isLoop: true }],
    ['repeat', { equalRequests: 4 }],
    ['convicted', { isConvicted: true }],
    ['elsewhere', { isElsewhere: true }],
  ])('because it is %s, and for no other reason', (reason, changes) => {
    const flags = flagsOf({ ...paid, ...changes })
    expect(zeroReasons(flags)).toEqual([reason])
    expect(earnsNothing(flags)).toBe(true)
  })

  test('only for reasons: what is partial, an audit, unlisted with two owners, or the third of its kind earns', () => {
    for (const changes of [
      { isPartial: true },
      { isAudit: true },
      { isContinued: true },
      { isListed: false, owners: 2 },
      { equalRequests: 3 },
    ]) {
      expect(earnsNothing(flagsOf({ ...paid, ...changes }))).toBe(false)
    }
  })
})

describe('equal requests', () => {
  test('are counted by tenant and day', () => {
    const equal = new EqualRequests()
    expect([equal.count('a', 1, 9), equal.count('a', 1, 9), equal.count('b', 1, 9), equal.count('a', 2, 9)]).toEqual([
      1, 2, 1, 1,
    ])
    expect(equal.count('a', 1, 10)).toBe(1)
  })

  test('are told apart by all bits of their hash', () => {
    const equal = new EqualRequests()
    const hashes = Array.from({ length: 53 }, (_, bit) => 2 ** bit)
    for (const hash of hashes) expect(equal.count('a', hash, 9)).toBe(1)
    for (const hash of hashes) expect(equal.count('a', hash, 9)).toBe(2)
  })

  test('are remembered up to a number of them, the oldest not at all', () => {
    const equal = new EqualRequests(8)
    for (const hash of [1, 2, 3, 4, 5, 6, 7, 8, 1, 9]) equal.count('a', hash, 9)
    expect(equal.count('a', 1, 9)).toBe(3)
    expect(equal.count('a', 2, 9)).toBe(1)
  })

  test('are counted no further than is of use', () => {
    const equal = new EqualRequests(8)
    for (let at = 0; at < 300; at++) equal.count('a', 1, 9)
    expect(equal.count('a', 1, 9)).toBe(255)
  })
})

test('a request that a scout of its client holds is known while it holds it', () => {
  const leased = new LeasedRequests(2)
  expect(leased.lease('op', 1)).toBe(true)
  expect(leased.lease('op', 1)).toBe(true)
  leased.release('op', 1)
  expect([leased.holds('op', 1), leased.holds('other', 1), leased.holds('op', 2)]).toEqual([true, false, false])
  leased.release('op', 1)
  leased.release('op', 1)
  expect([leased.holds('op', 1), leased.size]).toEqual([false, 0])
  expect([leased.lease('op', 1), leased.lease('op', 2), leased.lease('op', 3)]).toEqual([true, true, false])
})

test('requests under way are found whatever comes and goes beside them', () => {
  const random = new Random(7)
  const leased = new LeasedRequests()
  const held = new Map<string, number>()
  const check = (operator: string, hash: number) =>
    expect(leased.holds(operator, hash)).toBe(held.has(`${operator} ${hash}`))
  for (let step = 0; step < 30_000; step++) {
    const operator = `key_${random.below(40)}`
    // Some of them differ in their upper half alone.
    const hash = random.below(50) + 2 ** 32 * random.below(4)
    const name = `${operator} ${hash}`
    const count = held.get(name) ?? 0
    // First more come than go, and the table grows; then it empties.
    if (random.unit() < (step < 15_000 ? 0.6 : 0.4)) {
      expect(leased.lease(operator, hash)).toBe(true)
      held.set(name, count + 1)
    } else {
      leased.release(operator, hash)
      if (count > 1) held.set(name, count - 1)
      else held.delete(name)
    }
    check(operator, hash)
    check(`key_${random.below(40)}`, hash)
  }
  expect(leased.size).toBe(held.size)
})

test('whoever begins to watch an operator is told of what its scouts hold, once for each of them', () => {
  const told: [string, number, boolean][] = []
  const leased = new LeasedRequests(undefined, (...news) => told.push(news))
  for (const [operator, hash] of [
    ['one', 1],
    ['one', 1],
    ['one', 2],
    ['two', 1],
  ] as const)
    leased.lease(operator, hash)
  leased.watch('one')
  expect(told.sort(([, a], [, b]) => a - b)).toEqual([
    ['one', 1, true],
    ['one', 1, true],
    ['one', 2, true],
  ])
  told.length = 0
  leased.release('one', 1)
  leased.release('two', 1)
  leased.lease('one', 3)
  expect(told).toEqual([
    ['one', 1, false],
    ['one', 3, true],
  ])
})
