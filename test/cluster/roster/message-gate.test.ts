import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { envelopeBytesMax, sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import { type BelievedMessage, MessageGate } from '../../../orchestrator/cluster/roster/message-gate.ts'
import { removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import { ReplayWindow } from '../../../orchestrator/cluster/roster/replay-window.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { hubMessageBytesMax } from '../../../shared/limits/cluster/bus.ts'
import {
  believedPerSecondMax,
  forgedPerSecondMax,
  hubSubjectBytesMax,
  replayWindowMessages,
} from '../../../shared/limits/cluster/roster.ts'
import { good, networkOf, signedByAll, type TestHub, testHub } from '../../support/cluster/network.ts'
import '../../support/law/seeded-properties.ts'

const [alpha, beta, gamma] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3)]
const trio = networkOf([alpha, beta, gamma])
const subject = 'chasm.presence.alpha'
const payload = Buffer.from('what is said')

function gateOf({ identity, name }: TestHub, boot = 1, chain: RosterChain = trio): MessageGate {
  return new MessageGate(identity, { name, boot }, chain, () => clock.nowMs)
}

const clock = { nowMs: 0 }

describe('a message', () => {
  test('of an authority counts, for every hub and for one process', () => {
    const [a, b, c] = [gateOf(alpha, 7), gateOf(beta, 4), gateOf(gamma)]
    const toAll = a.seal(null, subject, payload)
    const toBeta = a.seal({ name: 'beta', boot: 4 }, subject, payload)
    for (const gate of [b, c]) {
      expect((gate.receive(toAll, subject) as BelievedMessage).head).toEqual({
        ...{ from: { name: 'alpha', boot: 7 }, to: null, epoch: 3, number: 1 },
      })
    }
    const believed = b.receive(toBeta, subject) as BelievedMessage
    expect(Buffer.from(believed.payload).toString()).toBe('what is said')
    expect(c.receive(toBeta, subject)).toBe('elsewhere')
    expect(c.dropped).toEqual({
      ...{ malformed: 0, stranger: 0, echo: 0, double: 0, elsewhere: 1, epoch: 0, replayed: 0, forged: 0, flood: 0 },
    })
  })

  test('counts once, also when it is shown again to a hub that was started anew', () => {
    const a = gateOf(alpha)
    const b = gateOf(beta, 1)
    const message = a.seal({ name: 'beta', boot: 1 }, subject, payload)
    expect(b.receive(message, subject)).toHaveProperty('payload')
    expect(b.receive(message, subject)).toBe('replayed')
    expect(gateOf(beta, 2).receive(message, subject)).toBe('elsewhere')
  })

  test('of an earlier start of its sender counts no longer once the later one was heard', () => {
    const b = gateOf(beta)
    const early = gateOf(alpha, 1)
    const [first, second] = [early.seal(null, subject, payload), early.seal(null, subject, payload)]
    expect(b.receive(first, subject)).toHaveProperty('payload')
    expect(b.receive(gateOf(alpha, 2).seal(null, subject, payload), subject)).toHaveProperty('payload')
    expect(b.receive(second, subject)).toBe('replayed')
  })

  test('under another subject does not count', () => {
    const message = gateOf(alpha).seal(null, subject, payload)
    expect(gateOf(beta).receive(message, 'chasm.presence.beta')).toBe('forged')
  })

  test('of a stranger does not count, whatever name it takes', () => {
    const mallory = testHub('mallory', 66)
    const b = gateOf(beta)
    const own = networkOf([mallory, alpha, beta])
    expect(b.receive(gateOf(mallory, 1, own).seal(null, subject, payload), subject)).toBe('stranger')
    expect(b.receive(gateOf({ ...mallory, name: 'alpha' }, 1, own).seal(null, subject, payload), subject)).toBe(
      'forged',
    )
    // Nothing is remembered of it: the number is still free for the one who may use it.
    expect(b.receive(gateOf(alpha).seal(null, subject, payload), subject)).toHaveProperty('payload')
  })

  test('of an authority that was removed does not count from then on', () => {
    const [a, b] = [gateOf(alpha), gateOf(beta)]
    expect(b.receive(a.seal(null, subject, payload), subject)).toHaveProperty('payload')
    const shrunk = good(trio.extended(signedByAll(good(removing(trio, 'alpha')), [beta, gamma]).next))
    b.follow(shrunk)
    expect(b.receive(a.seal(null, subject, payload), subject)).toBe('stranger')
    expect(b.receive(gateOf(gamma).seal(null, subject, payload), subject)).toHaveProperty('payload')
  })

  test('counts from one epoch away, and from no further', () => {
    const [first, second] = [networkOf([alpha]), networkOf([alpha, beta])]
    const sealedIn = (chain: RosterChain) => gateOf(alpha, 1, chain).seal(null, subject, payload)
    expect(gateOf(beta).receive(sealedIn(second), subject)).toHaveProperty('payload')
    expect(gateOf(beta).receive(sealedIn(first), subject)).toBe('epoch')
    expect(gateOf(beta, 1, second).receive(sealedIn(trio), subject)).toHaveProperty('payload')
  })

  test('after too many forged ones is not looked at, until the second is over', () => {
    const [a, b] = [gateOf(alpha), gateOf(beta)]
    const forged = gateOf({ ...gamma, name: 'alpha' }).seal(null, subject, payload)
    for (let at = 0; at < forgedPerSecondMax; at++) expect(b.receive(forged, subject)).toBe('forged')
    expect(b.receive(forged, subject)).toBe('flood')
    expect(b.receive(a.seal(null, subject, payload), subject)).toBe('flood')
    clock.nowMs += 1_000
    expect(b.receive(a.seal(null, subject, payload), subject)).toHaveProperty('payload')
  })

  test('of another process with the same identity is told from an echo', () => {
    const [older, newer] = [gateOf(alpha, 7), gateOf(alpha, 8)]
    expect(older.receive(older.seal(null, subject, payload), subject)).toBe('echo')
    expect(newer.receive(older.seal(null, subject, payload), subject)).toBe('echo')
    expect(older.receive(newer.seal(null, subject, payload), subject)).toBe('double')
    const forged = gateOf({ ...beta, name: 'alpha' }, 9).seal(null, subject, payload)
    expect(older.receive(forged, subject)).toBe('forged')
  })

  test('is bounded, and whoever sends larger ones is a defect', () => {
    const head = { from: { name: 'alpha', boot: 1 }, to: null, epoch: 3, number: 1 }
    const seal = (bytes: number, under: string) => sealMessage(head, under, new Uint8Array(bytes), alpha.identity)
    const largest = seal(hubMessageBytesMax - envelopeBytesMax, subject)
    expect(gateOf(beta).receive(largest, subject)).toHaveProperty('payload')
    expect(() => seal(hubMessageBytesMax, subject)).toThrow(RangeError)
    expect(() => seal(1, 's'.repeat(hubSubjectBytesMax + 1))).toThrow(RangeError)
    expect(gateOf(beta).receive(new Uint8Array(hubMessageBytesMax + 1).fill(1), subject)).toBe('malformed')
  })
})

describe('no message can be forged', () => {
  const message = gateOf(alpha, 7).seal({ name: 'beta', boot: 4 }, subject, payload)

  test('by changing any byte of it', () => {
    for (let at = 0; at < message.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const forged = Uint8Array.from(message)
        forged[at]! ^= flip
        expect(gateOf(beta, 4).receive(forged, subject), `byte ${at}`).toBeTypeOf('string')
      }
    }
  })

  test('by cutting it or adding to it', () => {
    for (let length = 0; length < message.length; length++) {
      expect(gateOf(beta, 4).receive(message.subarray(0, length), subject)).toBeTypeOf('string')
    }
    expect(gateOf(beta, 4).receive(Buffer.concat([message, Uint8Array.of(0)]), subject)).toBe('forged')
  })

  test('by garbage, which throws nothing either', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        garbage[0] = 1
        expect(gateOf(beta).receive(garbage, subject)).toBeTypeOf('string')
      }),
    )
  })
})

test('the window takes each number once, in any order as long as it is not too late', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 3 * replayWindowMessages }), { maxLength: 400 }), (numbers) => {
      const window = new ReplayWindow()
      const seen = new Set<number>()
      let top = 0
      for (const number of numbers) {
        const isTooLate = number <= top - replayWindowMessages || number < 1
        expect(window.isNew(number)).toBe(!isTooLate && !seen.has(number))
        if (!window.isNew(number)) continue
        window.add(number)
        seen.add(number)
        top = Math.max(top, number)
      }
    }),
  )
})

test('messages of one hub beyond a bound are not looked at, however often it starts anew, and others are', () => {
  const b = gateOf(beta)
  clock.nowMs = 50_000
  const early = gateOf(alpha, 1)
  for (let message = 0; message < believedPerSecondMax; message++) {
    expect(b.receive(early.seal(null, subject, payload), subject)).toHaveProperty('payload')
  }
  expect(b.receive(early.seal(null, subject, payload), subject)).toBe('flood')
  expect(b.receive(gateOf(alpha, 2).seal(null, subject, payload), subject)).toBe('flood')
  expect(b.receive(gateOf(gamma).seal(null, subject, payload), subject)).toHaveProperty('payload')
  clock.nowMs += 1_000
  expect(b.receive(gateOf(alpha, 2).seal(null, subject, payload), subject)).toHaveProperty('payload')
})
