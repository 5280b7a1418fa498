/** Who can do what: the index is compared with a recount after every change of a small fleet. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CapabilityIndex, isAble } from '../../../orchestrator/core/fleet/capability-index.ts'
import type { Pause, Scout } from '../../../orchestrator/core/model/object-graph.ts'
import { Random } from '../../../orchestrator/core/model/random.ts'
import type { ScoutRecord } from '../../../orchestrator/core/model/scout.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { offersOf } from '../../support/hub/core-harness.ts'
import '../../support/law/seeded-properties.ts'

interface Member {
  scout: Scout
  offers: Offer[]
}

/** A scout as far as the index looks at it. */
function enter(index: CapabilityIndex, name: string, offers: Offer[]): Member {
  const record = { scout: name, speeds: null } as unknown as ScoutRecord
  const klass = index.enter(offers, 0)
  const scout = {
    record,
    klass,
    capabilities: [],
    unlisted: [],
    idle: false,
    pauses: null,
    windows: null,
  } as unknown as Scout
  index.advertise(scout)
  return { scout, offers }
}

function leave(index: CapabilityIndex, { scout }: Member): void {
  index.withdraw(scout)
  index.leave(scout.klass)
}

/** Who could be drawn for a model, after everything a draw lets go of is gone. */
function ready(index: CapabilityIndex, model: string): Set<Scout> {
  const entry = index.entry('chat', model)
  const listed = entry?.ready.filter(({ withdrawn, scout }) => {
    return !withdrawn && scout.idle && isAble(scout, entry)
  })
  return new Set(listed?.map(({ scout }) => scout))
}

describe('the capability index', () => {
  test('puts scouts with equal offers into one class, which goes with its last member', () => {
    const index = new CapabilityIndex()
    const a = enter(index, 'a', offersOf('x', 'y'))
    const b = enter(index, 'b', offersOf('x', 'y'))
    const c = enter(index, 'c', offersOf('x'))
    expect(a.scout.klass).toBe(b.scout.klass)
    expect(c.scout.klass).not.toBe(a.scout.klass)
    leave(index, a)
    expect([...index.offerClasses()]).toContain(b.scout.klass)
    leave(index, b)
    expect([...index.offerClasses()]).toEqual([c.scout.klass])
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
    const { scout } = enter(index, 'a', twice)
    expect(scout.klass.offers).toEqual([twice[0]])
    expect(scout.capabilities.map(({ entry }) => entry.model)).toEqual(['x', 'auto'])
    expect(index.entry('chat', 'auto')?.scouts).toBe(1)
  })

  test('samples only idle scouts that offer the model', () => {
    const index = new CapabilityIndex()
    const random = new Random(1)
    const members = ['x', 'y', 'x'].map((model, i) => enter(index, `${i}`, offersOf(model)))
    const entry = index.entry('chat', 'x')!
    expect(index.sampleIdle(entry, random)).toBeUndefined()
    for (const { scout } of members.slice(0, 2)) index.setIdle(scout, true)
    for (let draw = 0; draw < 20; draw++) expect(index.sampleIdle(entry, random)?.scout).toBe(members[0]!.scout)
  })

  test('draws every idle scout about equally often, whatever the sizes of their classes', () => {
    const index = new CapabilityIndex()
    const random = new Random(7)
    for (let i = 0; i < 11; i++)
      index.setIdle(enter(index, `${i}`, offersOf('x', ...(i === 0 ? ['y'] : []))).scout, true)
    const seen = new Map<Scout, number>()
    for (let draw = 0; draw < 11_000; draw++) {
      const { scout } = index.sampleIdle(index.entry('chat', 'x')!, random)!
      seen.set(scout, (seen.get(scout) ?? 0) + 1)
    }
    expect(seen.size).toBe(11)
    for (const times of seen.values()) expect(Math.abs(times - 1_000)).toBeLessThan(200)
  })

  test('keeps no more of those who left than of those who are there', () => {
    const index = new CapabilityIndex()
    const stay = Array.from({ length: 10 }, (_, i) => enter(index, `stays ${i}`, offersOf('x')))
    for (const { scout } of stay) index.setIdle(scout, true)
    for (let round = 0; round < 500; round++) {
      const member = enter(index, `goes ${round}`, offersOf('x'))
      index.setIdle(member.scout, true)
      leave(index, member)
    }
    expect(index.entry('chat', 'x')!.ready.length).toBeLessThanOrEqual(30)
    expect(ready(index, 'x').size).toBe(10)
  })

  test('counts like a recount, whoever comes, goes, idles and works', () => {
    const models = ['x', 'y', 'z']
    const change = fc.record({
      who: fc.nat(5),
      what: fc.constantFrom('come', 'go', 'idle', 'busy', 'pause', 'resume', 'draw'),
      offered: fc.subarray(models),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const index = new CapabilityIndex()
        const random = new Random(5)
        const fleet = new Map<number, Member>()
        for (const { who, what, offered } of changes) {
          const member = fleet.get(who)
          if (what === 'come' && member === undefined) fleet.set(who, enter(index, `${who}`, offersOf(...offered)))
          if (member === undefined) continue
          if (what === 'go') {
            leave(index, member)
            fleet.delete(who)
          } else if (what === 'pause' || what === 'resume') {
            index.repause(member.scout, () => {
              member.scout.pauses = what === 'pause' ? new Map([['x', {} as Pause]]) : null
            })
          } else if (what === 'draw') {
            for (const entry of index.entries.values()) index.sampleIdle(entry, random)
          } else if (what !== 'come') index.setIdle(member.scout, what === 'idle')
          const present = [...fleet.values()]
          for (const model of [...models, 'auto']) {
            const offering = present.filter(({ offers }) => offers.some((o) => model === 'auto' || o.model === model))
            const entry = index.entry('chat', model)
            const able = offering.filter(({ scout }) => isAble(scout, entry!)).map(({ scout }) => scout)
            expect([entry?.offerers ?? 0, entry?.scouts ?? 0]).toEqual([offering.length, able.length])
            expect(ready(index, model)).toEqual(new Set(able.filter(({ idle }) => idle)))
          }
          expect(new Set(index.offerClasses())).toEqual(new Set(present.map(({ scout }) => scout.klass)))
        }
      }),
      { numRuns: 300 },
    )
  })
})
