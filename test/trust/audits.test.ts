import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Envelopes } from '../../orchestrator/trust/audits/envelopes.ts'
import { delayOf, PendingAudits } from '../../orchestrator/trust/audits/pending.ts'
import { QuestionBank } from '../../orchestrator/trust/audits/question-bank.ts'
import { levels, questionOf } from '../../orchestrator/trust/audits/questions.ts'
import { auditsPendingMax, envelopesKept, pendingBytesMax, questionsKept } from '../../shared/limits/trust/audits.ts'
import '../support/law/seeded-properties.ts'

const bytes = (fields: unknown) => Buffer.from(JSON.stringify(fields))
const fieldsOf = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>

describe('audits that wait', () => {
  test('come out when their time has come, so many at once', () => {
    const pending = new PendingAudits<string>()
    for (const [name, dueMs] of [
      ['late', 30],
      ['early', 10],
      ['next', 20],
    ] as const)
      pending.add(name, 1, dueMs)
    expect(pending.takeDue(9, 5)).toEqual([])
    expect(pending.takeDue(25, 1)).toEqual(['early'])
    expect(pending.takeDue(25, 0)).toEqual([])
    expect(pending.takeDue(25, 5)).toEqual(['next'])
    expect(pending.count).toBe(1)
  })
  test('are bounded in number and in bytes; the oldest goes', () => {
    const pending = new PendingAudits<number>()
    for (let at = 0; at <= auditsPendingMax; at++) pending.add(at, 1, 0)
    expect([pending.count, pending.dropped]).toEqual([auditsPendingMax, 1])
    pending.add(-1, pendingBytesMax, 0)
    expect(pending.takeDue(1, 9)).toEqual([-1])
  })
  test('wait for one minute to an hour, short times as likely as long ones', () => {
    const range = { minMs: 60_000, maxMs: 3_600_000 }
    expect(delayOf(range, 0)).toBe(60_000)
    expect(delayOf(range, 1)).toBeCloseTo(3_600_000)
    expect(delayOf(range, 0.5)).toBeCloseTo(Math.sqrt(60_000 * 3_600_000))
  })
})

describe('questions', () => {
  test('of any level end in a whole number that is not negative, and say what they ask', () => {
    const units = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 30,
      maxLength: 30,
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: levels }), units, (level, drawn) => {
        let at = 0
        const { text, answer } = questionOf(level, () => drawn[at++ % drawn.length]!)
        expect(Number.isSafeInteger(answer) && answer >= 0).toBe(true)
        expect(text).toMatch(/^\w+ has \d+ \w+ with \d+ \w+ in each\./)
        expect(text).toContain('?')
      }),
    )
  })
  test('are worked out rightly', () => {
    expect(questionOf(1, () => 0)).toMatchObject({ answer: 12 })
    expect(questionOf(2, () => 0)).toMatchObject({ answer: 11 })
    expect(questionOf(1, () => 0).text).toContain('Anna has 3 boxes with 4 apples in each. How many apples')
  })
})

describe('the bank of questions', () => {
  const tries = (...right: boolean[]) => right.map((isRight, at) => ({ owner: `o${at}`, isRight }))
  const enrol = (bank: QuestionBank, asked: ReturnType<typeof tries>, silent: string[] = []) =>
    bank.enrol(draft(bank), asked, [...asked.map(({ owner }) => owner), ...silent])
  const draft = (bank: QuestionBank) => bank.draft(() => 0.4)

  test('asks no owner the same twice', () => {
    const bank = new QuestionBank()
    enrol(bank, tries(true, true, true))
    expect(bank.take('o1')).toBeUndefined()
    expect(bank.take('new')).toBeDefined()
    expect(bank.take('new')).toBeUndefined()
  })
  test('is of no use for a model whose scouts know not even the easiest, until one is known', () => {
    const bank = new QuestionBank()
    for (let at = 0; at < 9; at++) enrol(bank, tries(false, false, false))
    expect(bank.isUseful).toBe(false)
    enrol(bank, tries(true, true, true))
    expect(bank.isUseful).toBe(true)
  })
  test('asks nobody again who was given it and did not answer', () => {
    const bank = new QuestionBank()
    enrol(bank, tries(true, true), ['silent'])
    expect(bank.take('silent')).toBeUndefined()
  })
  test('enrols what three of five knew, and holds it against the others', () => {
    const bank = new QuestionBank()
    expect(enrol(bank, tries(true, true, true, false, false))).toEqual([true, true, true, true, true])
    expect(bank.size).toBe(1)
  })
  test('holds nothing against anybody where too few knew, and asks easier questions then', () => {
    const bank = new QuestionBank()
    const before = draft(bank).text.length
    expect(enrol(bank, tries(true, true, false, false, false))).toEqual([true, true, false, false, false])
    expect(enrol(bank, tries(false))).toEqual([false])
    expect(bank.size).toBe(0)
    expect(draft(bank).text.length).toBeLessThan(before)
  })
  test('takes nobody by their own word: one right answer accuses no one', () => {
    const bank = new QuestionBank()
    expect(enrol(bank, tries(true, false))).toEqual([true, false])
  })
  test('is bounded', () => {
    const bank = new QuestionBank()
    for (let at = 0; at < questionsKept + 5; at++) enrol(bank, tries(true))
    expect(bank.size).toBe(questionsKept)
  })
})

describe('a probe', () => {
  const chat = (more: object = {}) => ({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more })

  test('has the fields, the order and the parameters of a real request, and its own question', () => {
    const envelopes = new Envelopes()
    envelopes.note(bytes({ temperature: 0.3, stream: true, ...chat() }), true)
    const { body, stream } = envelopes.request('m', 'How many?', 0.5)
    expect(Buffer.from(body).toString()).toBe(
      '{"temperature":0.3,"stream":true,"model":"m","messages":[{"role":"user","content":"How many?"}]}',
    )
    expect(stream).toBe(true)
  })
  test.each([
    ['tools', chat({ tools: [] })],
    ['a format', chat({ response_format: { type: 'json_object' } })],
    ['several turns', chat({ messages: [...chat().messages, ...chat().messages] })],
    ['a system prompt', chat({ messages: [{ role: 'system', content: 'Be brief.' }] })],
    ['parts', chat({ messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] })],
    ['room for no answer', chat({ max_tokens: 16 })],
    ['a name of its user', chat({ user: 'u-17' })],
    ['a length', chat({ messages: [{ role: 'user', content: 'x'.repeat(4_000) }] })],
  ])('takes no example with %s', (_what, request) => {
    const envelopes = new Envelopes()
    envelopes.note(bytes(request), false)
    expect(fieldsOf(envelopes.request('m', 'How many?', 0).body)).toEqual({
      ...{ model: 'm', messages: [{ role: 'user', content: 'How many?' }], stream: true },
    })
  })
  test('goes by the newest examples', () => {
    const envelopes = new Envelopes()
    for (let at = 0; at < envelopesKept + 3; at++) envelopes.note(bytes(chat({ temperature: at })), false)
    expect(fieldsOf(envelopes.request('m', 'q', 0).body)).toMatchObject({ temperature: 3 })
  })
})
