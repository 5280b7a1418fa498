/** Who can do what: the index is compared with a recount after every change of a small fleet. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CapabilityIndex } from '../../orchestrator/core/capability-index.ts'
import type { ModelEntry, OfferClass, Scout } from '../../orchestrator/core/entities.ts'
import { Random } from '../../orchestrator/core/random.ts'
import { type Offer, offerOf } from '../../shared/task.ts'
import { offersOf } from '../support/core-harness.ts'

interface Member {
  scout: Scout
  offers: Offer[]
  klass: OfferClass
  advertised: ModelEntry[]
  idle: boolean
}

function enter(index: CapabilityIndex, name: string, offers: Offer[]): Member {
  const scout = { instance: name } as Scout
  return { scout, offers, klass: index.enter(offers, 0), advertised: index.advertise(offers, 0), idle: false }
}

function leave(index: CapabilityIndex, { klass, scout, advertised }: Member): void {
  index.setIdle(klass, scout, false)
  index.leave(klass)
  index.withdraw(advertised)
}

describe('the capability index', () => {
  test('puts scouts with equal offers into one class, which goes with its last member', () => {
    const index = new CapabilityIndex()
    const a = enter(index, 'a', offersOf('x', 'y'))
    const b = enter(index, 'b', offersOf('x', 'y'))
    const c = enter(index, 'c', offersOf('x'))
    expect(a.klass).toBe(b.klass)
    expect(c.klass).not.toBe(a.klass)
    leave(index, a)
    expect([...index.offerClasses()]).toContain(b.klass)
    leave(index, b)
    expect([...index.offerClasses()]).toEqual([c.klass])
  })

  test('knows a model from its first offer on, under its kind only', () => {
    const index = new CapabilityIndex()
    enter(index, 'a', offersOf('x'))
    expect(index.entry('chat', 'x')?.offerers).toBe(1)
    expect(index.entry('embed', 'x')).toBeUndefined()
    expect(index.entry('chat', 'auto')?.scouts).toBe(1)
    expect(index.entry('embed', 'auto')).toBeUndefined()
  })

  test('takes the first of several offers of one model, and none of "auto"', () => {
    const index = new CapabilityIndex()
    const twice: Offer[] = [
      offerOf({ kind: 'chat', model: 'x', provider: 'one' }),
      offerOf({ kind: 'chat', model: 'x', provider: 'two' }),
      offerOf({ kind: 'chat', model: 'auto', provider: 'sly' }),
    ]
    const { klass, advertised } = enter(index, 'a', twice)
    expect(klass.offers).toEqual([twice[0]])
    expect(advertised.map((entry) => entry.model)).toEqual(['x'])
    expect(index.entry('chat', 'auto')?.scouts).toBe(1)
  })

  test('samples only idle scouts that offer the model', () => {
    const index = new CapabilityIndex()
    const random = new Random(1)
    const members = ['x', 'y', 'x'].map((model, i) => enter(index, `${i}`, offersOf(model)))
    const entry = index.entry('chat', 'x')!
    expect(index.sampleIdle(entry, random)).toBeUndefined()
    for (const { klass, scout } of members.slice(0, 2)) index.setIdle(klass, scout, true)
    for (let draw = 0; draw < 20; draw++) expect(index.sampleIdle(entry, random)).toBe(members[0]!.scout)
  })

  test('counts like a recount, whoever comes, goes, idles and works', () => {
    const models = ['x', 'y', 'z']
    const change = fc.record({
      who: fc.nat(5),
      what: fc.constantFrom('come', 'go', 'idle', 'busy'),
      offered: fc.subarray(models),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const index = new CapabilityIndex()
        const fleet = new Map<number, Member>()
        for (const { who, what, offered } of changes) {
          const member = fleet.get(who)
          if (what === 'come' && member === undefined) fleet.set(who, enter(index, `${who}`, offersOf(...offered)))
          if (member === undefined) continue
          if (what === 'go') {
            leave(index, member)
            fleet.delete(who)
          } else if (what !== 'come') {
            member.idle = what === 'idle'
            index.setIdle(member.klass, member.scout, member.idle)
          }
          const present = [...fleet.values()]
          for (const model of [...models, 'auto']) {
            const able = present.filter(({ offers }) => offers.some((o) => model === 'auto' || o.model === model))
            const entry = index.entry('chat', model)
            expect(entry?.scouts ?? 0).toBe(able.length)
            const ready = new Set(able.filter((one) => one.idle).map((one) => one.klass))
            const listed = [...(entry?.readyClasses ?? [])]
            expect(new Set(listed.filter(({ idle }) => idle.size > 0))).toEqual(ready)
            expect(listed.every(({ members }) => members > 0)).toBe(true)
          }
          expect(new Set(index.offerClasses())).toEqual(new Set(present.map((one) => one.klass)))
        }
      }),
      { numRuns: 300 },
    )
  })
})
