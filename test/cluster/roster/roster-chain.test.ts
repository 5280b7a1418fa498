import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adding, foundedBy, readProposal, removing, signedBy } from '../../../orchestrator/cluster/roster/proposal.ts'
import { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import {
  readRosterFile,
  rosterFileText,
  type SignedRoster,
} from '../../../orchestrator/cluster/roster/roster-document.ts'
import { authoritiesMax, rosterFileBytesMax } from '../../../shared/limits/cluster/roster.ts'
import { good, networkOf, signedByAll, testHub } from '../../support/cluster/network.ts'
import '../../support/law/seeded-properties.ts'

const [alpha, beta, gamma, delta] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3), testHub('delta', 4)]
const trio = networkOf([alpha, beta, gamma])
const entryOf = ({ name, identity, url }: typeof alpha) => ({ name, key: identity.key, url })

/** The verified history in these bytes, or the clause about what is wrong. */
function read(bytes: Uint8Array): RosterChain | string {
  const documents = readRosterFile(bytes)
  if ('flaw' in documents) return documents.flaw
  const chain = RosterChain.verify(documents)
  return 'flaw' in chain ? chain.flaw : chain
}

function flawOf(value: object): string {
  return 'flaw' in value ? String(value.flaw) : 'none'
}

describe('a roster', () => {
  test('begins with its founder and grows by what its authorities sign', () => {
    expect(trio.epoch).toBe(3)
    expect(trio.latest.hubs.map(({ name }) => name)).toEqual(['alpha', 'beta', 'gamma'])
    expect(trio.latest.threshold).toBe(2)
    expect(trio.authority('beta')?.key).toBe(beta.identity.key)
    expect(trio.nameOf(gamma.identity.key)).toBe('gamma')
    expect(trio.authority('delta')).toBeUndefined()
  })

  test('comes back from its file as it went in', () => {
    const back = read(Buffer.from(rosterFileText(trio.documents)))
    expect(back).toBeInstanceOf(RosterChain)
    expect((back as RosterChain).compare(trio)).toEqual({ is: 'same' })
  })

  test('needs as many signatures as the epoch before asks for, each of another authority', () => {
    const proposal = good(adding(trio, entryOf(delta)))
    const once = signedByAll(proposal, [beta])
    expect(flawOf(trio.extended(once.next))).toBe('epoch 4 has 1 of the 2 signatures that it needs')
    const [signature] = once.next.signatures
    const twice = { ...once.next, signatures: [signature!, signature!] }
    expect(flawOf(trio.extended(twice))).toBe('epoch 4 is signed twice by beta')
    expect(signedByAll(once, [beta]).next.signatures).toHaveLength(1)
    expect(good(trio.extended(signedByAll(once, [gamma]).next)).latest.threshold).toBe(3)
  })

  test('is not signed by who is no authority of the epoch before, the new hub included', () => {
    const proposal = good(adding(trio, entryOf(delta)))
    expect(flawOf(signedBy(proposal, delta.identity))).toContain('none of the authorities of epoch 3')
    const removed = good(trio.extended(signedByAll(good(removing(trio, 'gamma')), [alpha, beta]).next))
    const next = good(adding(removed, entryOf(delta)))
    expect(flawOf(signedBy(next, gamma.identity))).toContain('none of the authorities of epoch 4')
    const forged = signedByAll(proposal, [gamma]).next.signatures
    expect(flawOf(removed.extended({ document: next.next.document, signatures: forged }))).toContain('gamma')
  })

  test('is founded by one hub, which signs it itself', () => {
    const founded = good(foundedBy(alpha.identity, 'alpha', alpha.url)).documents[0]!
    expect(flawOf(RosterChain.verify([]))).toBe('it is empty')
    expect(flawOf(RosterChain.verify([{ ...founded, signatures: [] }]))).toBe('epoch 1 is not signed by its founder')
    expect(flawOf(RosterChain.verify(trio.documents.slice(1)))).toBe('its history does not begin with epoch 1')
    const two = { ...founded.document, hubs: trio.latest.hubs }
    expect(flawOf(RosterChain.verify([{ document: two, signatures: [] }]))).toContain('founder alone')
  })

  test('takes no document that skips an epoch, follows another one, or repeats a key', () => {
    const [first, second, third] = trio.documents as [SignedRoster, SignedRoster, SignedRoster]
    expect(flawOf(RosterChain.verify([first, third]))).toBe('epoch 3 does not follow 1')
    const other = networkOf([alpha, gamma])
    expect(flawOf(other.extended(third))).toBe('epoch 3 follows another epoch 2')
    expect(flawOf(adding(trio, { ...entryOf(delta), key: alpha.identity.key }))).toContain('two of its hubs')
    expect(good(RosterChain.verify([first, second])).compare(trio).is).toBe('newer')
  })

  test('knows an older, a newer, a forked and a foreign history', () => {
    const older = good(RosterChain.verify(trio.documents.slice(0, 2)))
    expect(trio.compare(older)).toEqual({ is: 'older' })
    expect(older.compare(trio)).toEqual({ is: 'newer', chain: trio })
    const fork = good(older.extended(signedByAll(good(adding(older, entryOf(delta))), [beta]).next))
    expect(trio.compare(fork)).toEqual({ is: 'fork', epoch: 3 })
    expect(older.compare(fork).is).toBe('newer')
    expect(trio.compare(networkOf([beta, alpha]))).toEqual({ is: 'foreign' })
  })

  test('takes no key in another spelling', () => {
    const { key } = alpha.identity
    const bare = key.replace('ed25519:', '')
    for (const other of [bare, `${key}=`, key.slice(0, -1), `ED25519:${bare}`, `ed25519:${bare.slice(0, 42)}+`]) {
      expect(flawOf(adding(trio, { ...entryOf(delta), key: other })), other).toContain('a key is ed25519:')
    }
  })

  test('takes a hub that is there again with another key or address', () => {
    const proposal = good(adding(trio, { ...entryOf(beta), url: 'https://moved.example' }))
    const moved = good(trio.extended(signedByAll(proposal, [alpha, gamma]).next))
    expect(moved.latest.hubs).toHaveLength(3)
    expect(moved.authority('beta')?.url).toBe('https://moved.example')
  })

  test('is bounded, and refuses names and addresses that could stand for something else', () => {
    for (const name of ['', 'Alpha', 'a.b', 'a*', '-a', 'a-', 'ä', 'a b', 'a'.repeat(33)]) {
      expect(flawOf(foundedBy(alpha.identity, name, alpha.url)), name).toContain("a hub's name")
    }
    for (const url of [
      'hub.example',
      'https://hub.example/',
      'https://a@hub.example',
      'ftp://hub.example',
      'https://',
    ]) {
      expect(flawOf(foundedBy(alpha.identity, 'alpha', url)), url).toContain('an address is as')
    }
    expect(flawOf(adding(trio, entryOf(delta), 5))).toContain('its threshold is 5, but it has 4 hubs')
    expect(flawOf(removing(networkOf([alpha]), 'alpha'))).toBe('alpha is the only hub')
    expect(flawOf(removing(trio, 'delta'))).toBe('there is no hub delta in epoch 3')
    expect(read(new Uint8Array(rosterFileBytesMax + 1))).toContain('more than')
    const many = networkOf([alpha])
    const hubs = Array.from({ length: authoritiesMax }, (_, at) => entryOf(testHub(`hub-${at}`, at + 10)))
    const all = hubs.slice(1).reduce((chain, hub) => {
      const next = good(adding(chain, hub, 1))
      return good(chain.extended(signedByAll(next, [alpha]).next))
    }, many)
    expect(flawOf(adding(all, hubs[0]!))).toBe(`a roster has at most ${authoritiesMax} hubs`)
  })
})

describe('no byte of a roster can be changed', () => {
  const bytes = Buffer.from(rosterFileText(trio.documents))

  test('without it being refused, or meaning the same', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = Buffer.from(bytes)
        forged[at]! ^= flip
        const judged = read(forged)
        // A line end may become a space: what was signed is the document, not its file.
        if (judged instanceof RosterChain) expect(judged.compare(trio)).toEqual({ is: 'same' })
      }),
      { numRuns: 400 },
    )
  })

  test('at any place of a signature or key', () => {
    const text = bytes.toString()
    const places = [...text.matchAll(/"(?:signature|key|previous)":"([^"]+)"/g)]
    expect(places.length).toBeGreaterThan(9)
    for (const { index, 0: whole, 1: value } of places) {
      const from = index + whole.length - 1 - value!.length
      for (const at of [0, Math.floor(value!.length / 2), value!.length - 1]) {
        const other = text[from + at] === '0' ? '1' : '0'
        expect(read(Buffer.from(text.slice(0, from + at) + other + text.slice(from + at + 1)))).toBeTypeOf('string')
      }
    }
  })

  test('and no document of garbage is taken, or throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(Buffer.from)), (garbage) => {
        expect(read(garbage)).toBeTypeOf('string')
      }),
    )
  })
})

test('a proposal is read from the end of a history that holds', () => {
  const proposal = signedByAll(good(adding(trio, entryOf(delta))), [alpha])
  const back = good(readProposal([...proposal.chain.documents, proposal.next]))
  expect(back.next).toEqual(proposal.next)
  expect(flawOf(readProposal(trio.documents.slice(0, 1)))).toContain('no proposal')
  expect(flawOf(readProposal([...trio.documents.slice(1), proposal.next]))).toContain('begin with epoch 1')
})
