import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HubProcess, openMessage, sealForPair } from '../../../orchestrator/cluster/roster/message.ts'
import { MessageGate } from '../../../orchestrator/cluster/roster/message-gate.ts'
import { PairKeys } from '../../../orchestrator/cluster/roster/pair-keys.ts'
import { removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import { good, networkOf, signedByAll, type TestHub, testHub } from '../../support/cluster/network.ts'
import '../../support/law/seeded-properties.ts'

const [alpha, beta, gamma] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3)]
const trio = networkOf([alpha, beta, gamma])
const subject = 'chasm.to.beta.alpha'
const payload = Buffer.from('what is said')

/** A process of this hub, with a secret made of a small number. */
function hubOf({ name, identity }: TestHub, secret: number, boot = 1) {
  const own: HubProcess = { name, boot }
  const pairs = new PairKeys(own, trio.network, new Uint8Array(32).fill(secret))
  return { own, pairs, gate: new MessageGate(identity, own, trio, () => 0, pairs) }
}

type Hub = ReturnType<typeof hubOf>

/** All of them have heard of each other. */
function met(...hubs: Hub[]): void {
  for (const { pairs } of hubs) for (const other of hubs) pairs.meet(other.own, other.pairs.own)
}

const proofOf = (message: Uint8Array) => openMessage(message)?.proof.by

describe('what is said to one hub alone', () => {
  test('is proved with the key of the two, both ways, and signed before they have one', () => {
    const [a, b] = [hubOf(alpha, 7), hubOf(beta, 8)]
    const early = a.gate.seal(b.own, subject, payload)
    expect([proofOf(early), b.gate.receive(early, subject)]).toEqual(['signature', expect.objectContaining({})])
    met(a, b)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const message = from.gate.seal(to.own, subject, payload)
      expect(proofOf(message)).toBe('pair')
      const believed = to.gate.receive(message, subject)
      expect(believed).toMatchObject({ head: { from: from.own, to: to.own, epoch: 3 } })
      expect(to.gate.receive(message, subject)).toBe('replayed')
    }
    expect(proofOf(a.gate.seal(null, subject, payload))).toBe('signature')
  })

  test('is believed by nobody when a bit of it is another one, or its subject', () => {
    const [a, b] = [hubOf(alpha, 7), hubOf(beta, 8)]
    met(a, b)
    const message = a.gate.seal(b.own, subject, payload)
    expect(b.gate.receive(message, 'chasm.to.beta.gamma')).toBe('forged')
    fc.assert(
      fc.property(fc.nat(message.length * 8 - 1), (bit) => {
        const spoiled = Uint8Array.from(message)
        spoiled[bit >> 3]! ^= 1 << (bit & 7)
        expect(typeof b.gate.receive(spoiled, subject)).toBe('string')
      }),
    )
    expect(b.gate.receive(message, subject)).toHaveProperty('payload')
  })

  test('cannot be said by another authority, nor to every hub, nor by an earlier process', () => {
    const [a, b, c] = [hubOf(alpha, 7), hubOf(beta, 8), hubOf(gamma, 9)]
    met(a, b, c)
    const head = { from: a.own, to: b.own, epoch: 3, number: 1 }
    const byGamma = sealForPair(head, subject, payload, c.pairs.with(b.own)!)
    expect(b.gate.receive(byGamma, subject)).toBe('forged')
    const toAll = sealForPair({ ...head, to: null }, subject, payload, a.pairs.with(b.own)!)
    expect(b.gate.receive(toAll, subject)).toBe('forged')
    const old = a.gate.seal(b.own, subject, payload)
    const again = hubOf(alpha, 10, 2)
    met(again, b)
    expect(b.gate.receive(again.gate.seal(b.own, subject, payload), subject)).toHaveProperty('payload')
    expect(b.gate.receive(old, subject)).toBe('replayed')
    const anew = hubOf(beta, 11, 2)
    anew.pairs.meet(a.own, a.pairs.own)
    expect(anew.gate.receive(old, subject)).toBe('elsewhere')
  })

  test('is signed where the other one has told of nothing that makes a key', () => {
    const a = hubOf(alpha, 7)
    const zero = Buffer.alloc(32).toString('base64url')
    for (const told of ['', 'garbage', zero, `${zero}A`, a.pairs.own.slice(1)]) {
      a.pairs.meet({ name: 'beta', boot: 4 }, told)
      expect(proofOf(a.gate.seal({ name: 'beta', boot: 4 }, subject, payload))).toBe('signature')
    }
  })

  test('goes on with the key that was told first, and is nothing once its hub was removed', () => {
    const [a, b] = [hubOf(alpha, 7), hubOf(beta, 8)]
    met(a, b)
    b.pairs.meet(a.own, hubOf(gamma, 9).pairs.own)
    expect(b.gate.receive(a.gate.seal(b.own, subject, payload), subject)).toHaveProperty('payload')
    b.gate.follow(good(trio.extended(signedByAll(good(removing(trio, 'alpha')), [beta, gamma]).next)))
    expect(b.gate.receive(a.gate.seal(b.own, subject, payload), subject)).toBe('stranger')
    expect(b.pairs.with(a.own)).toBeUndefined()
  })

  test('depends on both processes and their network', () => {
    const proofs = [hubOf(alpha, 7), hubOf(alpha, 8), hubOf(alpha, 7, 2), hubOf(gamma, 7)].map(({ pairs }) => {
      const other = hubOf(beta, 20)
      pairs.meet(other.own, other.pairs.own)
      return Buffer.from(pairs.with(other.own)!.proof(payload)).toString('hex')
    })
    const elsewhere = new PairKeys({ name: 'alpha', boot: 1 }, 'another network', new Uint8Array(32).fill(7))
    const other = hubOf(beta, 20)
    elsewhere.meet(other.own, other.pairs.own)
    proofs.push(Buffer.from(elsewhere.with(other.own)!.proof(payload)).toString('hex'))
    expect(new Set(proofs).size).toBe(5)
  })
})
