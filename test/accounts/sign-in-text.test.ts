/** The text that wallets sign: that of EIP-4361, as viem writes and reads it, and where two of them differ. */
import fc from 'fast-check'
import { createSiweMessage, parseSiweMessage } from 'viem/siwe'
import { expect, test } from 'vitest'
import {
  differingField,
  nonceIn,
  type SignInFacts,
  signInText,
} from '../../orchestrator/accounts/wallet/sign-in-text.ts'
import '../support/law/seeded-properties.ts'

const facts: SignInFacts = {
  domain: '127.0.0.1:8080',
  address: '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A',
  statement: 'Sign in to this Chasm hub.',
  origin: 'http://127.0.0.1:8080',
  chainId: 1,
  nonce: '00112233445566778899aabbccddeeff',
  issuedMs: 1_700_000_000_000,
  expiresMs: 1_700_000_300_000,
  resources: ['urn:chasm:key:key_1:generation:2'],
}

test('is to the byte what viem writes of the same facts, with and without resources', () => {
  for (const resources of [[], facts.resources, ['urn:a', 'urn:b']]) {
    const { domain, statement, chainId, nonce } = facts
    const viems = createSiweMessage({
      ...{ domain, statement, chainId, nonce, version: '1', uri: facts.origin },
      address: facts.address as `0x${string}`,
      issuedAt: new Date(facts.issuedMs),
      expirationTime: new Date(facts.expiresMs),
      ...(resources.length > 0 && { resources: [...resources] }),
    })
    expect(signInText({ ...facts, resources })).toBe(viems)
  }
})

test('is read by viem as what it was made of', () => {
  expect(parseSiweMessage(signInText(facts))).toMatchObject({
    ...{ domain: facts.domain, address: facts.address, statement: facts.statement, uri: facts.origin, version: '1' },
    ...{ chainId: 1, nonce: facts.nonce, resources: facts.resources },
    ...{ issuedAt: new Date(facts.issuedMs), expirationTime: new Date(facts.expiresMs) },
  })
})

test.each<[string, Partial<SignInFacts>]>([
  ['domain', { domain: '127.0.0.1:8081' }],
  ['address', { address: `0x${'1'.repeat(40)}` }],
  ['statement', { statement: 'Replace the secret of the key key_1.' }],
  ['URI', { origin: 'https://127.0.0.1:8080' }],
  ['Chain ID', { chainId: 2 }],
  ['Nonce', { nonce: 'f'.repeat(32) }],
  ['Issued At', { issuedMs: 1_700_000_000_001 }],
  ['Expiration Time', { expiresMs: 1_700_000_300_001 }],
  ['Resources', { resources: ['urn:chasm:key:key_1:generation:3'] }],
  ['Resources', { resources: [] }],
])('names %s where it is what differs', (field, changes) => {
  expect(differingField(signInText(facts), signInText({ ...facts, ...changes }))).toBe(field)
})

test('names a place for every change of a byte, and none without one', () => {
  const text = signInText(facts)
  expect(differingField(text, text)).toBeNull()
  fc.assert(
    fc.property(fc.nat(text.length), fc.constantFrom('', 'x', '\n', '\u0000', '狐'), fc.nat(2), (at, more, cut) => {
      const other = text.slice(0, at) + more + text.slice(at + cut)
      expect(differingField(text, other) === null).toBe(other === text)
    }),
  )
})

test('gives its nonce away, and what is no text of ours gives none', () => {
  expect(nonceIn(signInText(facts))).toBe(facts.nonce)
  for (const text of ['', 'Nonce: 00', `Nonce: ${facts.nonce}`, `\nNonce: ${facts.nonce}0\n`]) {
    expect(nonceIn(text)).toBeNull()
  }
})
