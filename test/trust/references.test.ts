import { describe, expect, test } from 'vitest'
import { type Candidate, Judges, referencesAmong } from '../../orchestrator/trust/audits/references.ts'

const candidate = (owner: string, more: Partial<Candidate> = {}): Candidate => {
  return { scout: `${owner}-scout`, owner, provider: 'a', state: 'trusted', isAnchor: false, ...more }
}
const first = { owners: new Set(['audited']), isFirst: true, provider: 'a', number: 1 }
const choices = (candidates: Candidate[], answered = first, judges = new Judges()) =>
  referencesAmong(candidates, answered, judges).map(({ owner }) => owner)

describe('a reference', () => {
  test('never belongs to an owner that has answered', () => {
    expect(choices([candidate('audited'), candidate('b')])).toEqual(['b'])
    expect(choices([candidate('audited')])).toEqual([])
    expect(choices([candidate('b'), candidate('c')], { ...first, owners: new Set(['audited', 'b']) })).toEqual(['c'])
  })
  test('is neither doubted nor convicted', () => {
    const doubted = (['watched', 'confirming', 'convicted'] as const).map((state) => candidate(state, { state }))
    expect(choices(doubted)).toEqual([])
  })
  test('is a newcomer every second time, but never one that breaks a tie', () => {
    const both = [candidate('old'), candidate('young', { state: 'new' })]
    expect(choices(both)).toEqual(['old'])
    expect(choices(both, { ...first, number: 2 })).toEqual(['young'])
    expect(choices(both, { ...first, number: 2, isFirst: false })).toEqual(['old'])
  })
  test('is an anchor every third time', () => {
    const both = [candidate('anchor', { isAnchor: true }), candidate('b')]
    expect(choices(both, { ...first, number: 3 })).toEqual(['anchor'])
    expect(choices(both, { ...first, number: 5 })).toEqual(['b'])
  })
  test('has another provider behind it where there is one', () => {
    expect(choices([candidate('b'), candidate('c', { provider: 'z' })])).toEqual(['c'])
  })
  test('of one owner judges a fifth of the audits at most, while there are others', () => {
    const judges = new Judges()
    for (let at = 0; at < 4; at++) judges.note('b')
    expect(choices([candidate('b'), candidate('c')], first, judges)).toEqual(['c'])
    expect(choices([candidate('b')], first, judges)).toEqual(['b'])
    for (let at = 0; at < 20; at++) judges.note('d')
    expect(choices([candidate('b'), candidate('c')], first, judges)).toEqual(['b', 'c'])
  })
})
