import { expect, test } from 'vitest'
import { newcomerWindow, trustNoteCharsMax } from '../../shared/limits/trust/audits.ts'
import { modelCharsMax } from '../../shared/limits/wire.ts'
import {
  appealStates,
  type TrustFigures,
  trustNote,
  trustSentences,
  trustStates,
} from '../../shared/scouts/trust-words.ts'

const figures: TrustFigures = {
  ...{ model: 'm', state: 'new', doubt: 0, passed: 4, needed: 10, checks: 5, failed: 1, endsInMs: 0, appeal: null },
  ...{ isEnforced: true, isLimited: false, passesToCalm: 11 },
}
const endsInMs = 5.5 * 3_600_000

test.each<[string, Partial<TrustFigures>]>([
  ['4 of 10 first checks of m passed; it gets work meanwhile', {}],
  ['4 of 10 first checks of m passed; it gets two tasks at a time meanwhile', { isLimited: true }],
  ['after its first hello, and gets two tasks at a time until then', { passed: 10, isLimited: true }],
  ['it is trusted a day after its first hello', { passed: 10 }],
  ['are like others', { state: 'trusted' }],
  ['about 11 good checks end that', { state: 'watched' }],
  ['the next checks decide', { state: 'confirming' }],
  ['for 5 h 30 min it gets work only while nobody else offers the model', { state: 'convicted', endsInMs }],
  ['this hub only watches', { state: 'convicted', endsInMs, isEnforced: false }],
])('says that %s', (words, fields) => {
  expect(trustSentences({ ...figures, ...fields }).join(' ')).toContain(words)
})

test('what is wrong comes with where to look', () => {
  for (const state of ['watched', 'confirming', 'convicted'] as const) {
    expect(trustSentences({ ...figures, state }).at(-1)).toMatch(/quantization/)
  }
})

test.each(trustStates)('what a scout in state %s is told fits its frame and has no figures', (state) => {
  for (const isEnforced of [true, false]) {
    for (const appeal of [null, ...appealStates]) {
      const note = trustNote('m', state, { isEnforced, isLimited: isEnforced, appeal })
      expect(note).toContain('Answers for m')
      expect(note).not.toMatch(/\d/)
      expect(note.length).toBeLessThanOrEqual(trustNoteCharsMax - modelCharsMax)
    }
  }
})

test.each([
  ['possible', 'may appeal once'],
  ['under_way', 'has appealed'],
  ['lost', 'showed the same'],
] as const)('a conviction whose appeal is %s says so', (appeal, words) => {
  expect(trustSentences({ ...figures, state: 'convicted', endsInMs, appeal }).at(-1)).toContain(words)
  expect(trustNote('m', 'convicted', { isEnforced: true, isLimited: false, appeal })).toContain('appeal')
})

test('a newcomer with few tasks at once is told how many', () => {
  expect(newcomerWindow).toBe(2)
  expect(trustNote('m', 'new', { isEnforced: true, isLimited: true, appeal: null })).toContain('two tasks at a time')
  expect(trustNote('m', 'new', { isEnforced: true, isLimited: false, appeal: null })).not.toContain('two')
})
