/** Who is given what of a live feed, and how often it is composed. */
import { beforeEach, describe, expect, test } from 'vitest'
import { LiveFeed } from '../../../orchestrator/http/live/live-feed.ts'
import { liveEveryMs, liveStreamsMax, liveStreamsPerCallerMax } from '../../../shared/limits/http.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

let system: ManualSystem
let feed: LiveFeed
let scouts: number

beforeEach(() => {
  system = new ManualSystem()
  scouts = 1
  feed = new LiveFeed(system, {
    hub: { isOfTenant: false, compose: () => ({ scouts }) },
    mine: { isOfTenant: true, compose: (tenant) => ({ tenant }) },
  })
})

const text = (frames: Uint8Array | null) => frames && Buffer.from(frames).toString()

describe('a live feed', () => {
  test('gives what is known at once, and later only what has changed', () => {
    const watcher = feed.watch(['hub'], 'a', 'a')!
    expect(text(watcher.take())).toBe('event: hub\ndata: {"scouts":1}\n\n')
    system.pass(liveEveryMs)
    expect(watcher.take()).toBeNull()
    scouts = 2
    system.pass(liveEveryMs)
    expect(text(watcher.take())).toBe('event: hub\ndata: {"scouts":2}\n\n')
  })

  test('composes a topic once a second for all who watch it, and with one frame for all', () => {
    const watchers = Array.from({ length: 100 }, (_, at) => feed.watch(['hub'], `key_${at}`, `key_${at}`)!)
    const before = feed.compositions
    const frames = new Set<Uint8Array | null>()
    for (const round of [2, 3, 4]) {
      scouts = round
      system.pass(liveEveryMs)
      for (const watcher of watchers) frames.add(watcher.take())
    }
    expect(feed.compositions - before).toBe(3)
    expect(frames.size).toBe(3)
  })

  test('holds one frame of each topic for a watcher that does not read: the newest', () => {
    const stalled = feed.watch(['hub', 'mine'], 'a', 'a')!
    for (let at = 0; at < 50; at++) {
      scouts = at
      system.pass(liveEveryMs)
    }
    expect(stalled.framesHeld).toBe(2)
    expect(text(stalled.take())).toContain('{"scouts":49}')
  })

  test('has a topic of its own for each tenant', () => {
    const [one, other] = ['a', 'b'].map((tenant) => feed.watch(['mine'], tenant, tenant)!)
    expect(text(one!.take())).toContain('{"tenant":"a"}')
    expect(text(other!.take())).toContain('{"tenant":"b"}')
  })

  test('costs nothing while nobody watches', () => {
    const watcher = feed.watch(['hub'], 'a', 'a')!
    expect(system.pending).toBe(1)
    feed.leave(watcher)
    expect(system.pending).toBe(0)
  })

  test('has so many watchers of one caller, and so many in all, and a place again when one leaves', () => {
    const own = Array.from({ length: liveStreamsPerCallerMax }, () => feed.watch(['hub'], 'a', 'a'))
    expect(own).not.toContain(null)
    expect(feed.watch(['hub'], 'a', 'a')).toBeNull()
    feed.leave(own[0]!)
    expect(feed.watch(['hub'], 'a', 'a')).not.toBeNull()
    for (let at = liveStreamsPerCallerMax; at < liveStreamsMax; at++) {
      expect(feed.watch(['hub'], `key_${at}`, 'x')).not.toBeNull()
    }
    expect(feed.watch(['hub'], 'last', 'x')).toBeNull()
  })
})
