import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { profileOf } from '../../orchestrator/trust/comparison/grams.ts'
import { type Likeness, TrustedPairs } from '../../orchestrator/trust/comparison/pairs.ts'
import { finalNumber } from '../../orchestrator/trust/comparison/probe-answer.ts'
import { similarityOf } from '../../orchestrator/trust/comparison/similarity.ts'
import { verdictOf } from '../../orchestrator/trust/comparison/verdict.ts'
import { comparedCharsMax, pairsKept, pairsPerOwnersMax } from '../../shared/limits/trust/audits.ts'
import '../support/law/seeded-properties.ts'

const alike = (one: string, other: string) => similarityOf(profileOf(one), profileOf(other))

describe('two answers', () => {
  test('are alike by their words, whatever their case, spaces and punctuation', () => {
    expect(alike('The sky is blue, mostly.', '  the SKY is blue mostly!')).toBeCloseTo(1, 5)
    expect(alike('The sky is blue', 'A train leaves at noon')).toBe(0)
    expect(alike('the sky is blue today', 'the sky is grey today')).toBeGreaterThan(0.5)
  })

  test('in scripts without spaces are alike by their characters', () => {
    expect(alike('東京は日本の首都です', '日本の首都は東京です')).toBeGreaterThan(0.6)
    expect(alike('東京は日本の首都です', '犬と猫')).toBeLessThan(0.2)
  })

  test('are less alike where one is less than half as long', () => {
    const text = 'one two three four five six seven eight'
    expect(alike(text, `${text} nine ten`)).toBeGreaterThan(0.85)
    expect(alike(text.repeat(4), text)).toBeLessThan(0.6)
  })

  test('without words are alike only when both are empty', () => {
    expect(alike('', '')).toBe(1)
    expect(alike('', 'word')).toBe(0)
    expect(alike('!!!', '?')).toBe(0)
  })

  test('are read up to a bound, so that a long one costs no more', () => {
    const text = 'lorem ipsum '.repeat(1_000).slice(0, comparedCharsMax)
    expect(profileOf(`${text} ${'tail '.repeat(100_000)}`).words).toBe(profileOf(text).words)
  })

  test('have a similarity from 0 to 1 that does not depend on their order', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        const similarity = alike(one, other)
        expect(similarity).toBeGreaterThanOrEqual(0)
        expect(similarity).toBeLessThanOrEqual(1)
        expect(alike(other, one)).toBeCloseTo(similarity, 6)
        expect(alike(one, one)).toBeCloseTo(1, 5)
      }),
    )
  })
})

describe('the window of trusted pairs', () => {
  const filled = (count: number) => {
    const pairs = new TrustedPairs()
    for (let at = 0; at < count; at++) pairs.add(`a${at}`, `b${at}`, (at + 1) / count)
    return pairs
  }

  test('ranks a similarity among those of trusted pairs, this one counted with them', () => {
    const pairs = filled(99)
    expect(pairs.rank(0)).toBeCloseTo(0.01)
    expect(pairs.rank(1)).toBe(1)
    expect(pairs.rank(0.5)).toBeCloseTo(0.5)
  })

  test('judges nothing before it has 60, and nothing as gross before it has 200', () => {
    expect(filled(59).isReady).toBe(false)
    expect(filled(60).isReady).toBe(true)
    expect(filled(199).likeness(0)).toBe('unlike')
    expect(filled(200).likeness(0)).toBe('gross')
    expect(filled(200).likeness(0.03)).toBe('unlike')
    expect(filled(200).likeness(0.1)).toBe('like')
  })

  test('holds the newest, and of one pair of owners a twentieth, in either order', () => {
    const pairs = filled(pairsKept + 10)
    expect(pairs.count).toBe(pairsKept)
    for (let at = 0; at < 100; at++) pairs.add(at % 2 === 0 ? 'x' : 'y', at % 2 === 0 ? 'y' : 'x', 0)
    expect(pairs.count).toBe(pairsKept)
    expect(pairs.list().filter(({ similarity }) => similarity === 0)).toHaveLength(pairsPerOwnersMax)
  })
})

describe('the verdict', () => {
  /** Answers as letters: equal letters are alike, capital ones are grossly unlike others. */
  const judge = (answers: string) =>
    verdictOf(answers.length, (one, other): Likeness => {
      if (answers[one] === answers[other]) return 'like'
      return /[A-Z]/.test(`${answers[one]}${answers[other]}`) ? 'gross' : 'unlike'
    })

  test.each([
    ['a', { type: 'open' }],
    ['aa', { type: 'agreed' }],
    ['ab', { type: 'open' }],
    ['abb', { type: 'odd', at: 0, isGross: false }],
    ['Abb', { type: 'odd', at: 0, isGross: true }],
    ['aba', { type: 'odd', at: 1, isGross: false }],
    ['abc', { type: 'open' }],
    ['abcc', { type: 'inconclusive' }],
    ['abcd', { type: 'inconclusive' }],
    ['abab', { type: 'inconclusive' }],
    ['abbb', { type: 'odd', at: 0, isGross: false }],
  ])('of %s', (answers, verdict) => expect(judge(answers)).toEqual(verdict))

  test('accuses nobody when the third is like both of two that differ', () => {
    const likeness = (one: number, other: number): Likeness => (one === 0 && other === 1 ? 'unlike' : 'like')
    expect(verdictOf(3, likeness)).toEqual({ type: 'agreed' })
  })

  test('never accuses more than one, and never asks for more than three references', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('like', 'unlike', 'gross'), { minLength: 6, maxLength: 6 }), (table) => {
        const likeness = (one: number, other: number): Likeness => table[one * 2 + other - 1] as Likeness
        expect(verdictOf(4, likeness).type).not.toBe('open')
      }),
    )
  })
})

describe('the answer to a numeric question', () => {
  test.each([
    ['The total is 42.', 42],
    ['3 boxes of 4 are 12 apples', 12],
    ['12 * 4 = 48, so she pays $1,248.50', 1_248.5],
    ['It is -7 degrees', -7],
    ['**Answer: 96**', 96],
    ['I do not know', null],
    ['', null],
  ])('%s', (text, value) => expect(finalNumber(text)).toBe(value))

  test('is looked for at a bounded end', () => expect(finalNumber(`7${'x'.repeat(1_000_000)}`)).toBe(null))
})
