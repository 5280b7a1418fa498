import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyRoles, makeKey, parseKey } from '../../shared/keys/api-key.ts'
import '../support/law/seeded-properties.ts'

const zeros = (count: number) => new Uint8Array(count)
const ones = (count: number) => new Uint8Array(count).fill(255)
const key = makeKey('client', (count) => Uint8Array.from({ length: count }, (_, at) => at * 7))

test('a key of every role is read back as what it was made for', () => {
  for (const role of keyRoles) {
    expect(parseKey(makeKey(role, zeros))).toEqual({ role })
    expect(parseKey(makeKey(role, ones))).toEqual({ role })
  }
})

test('the written form is fixed: keys handed out once must stay valid', () => {
  expect(makeKey('scout', zeros)).toMatch(/^chasm_scout_0{43}[0-9A-Za-z]{6}$/)
  expect(key).toBe('chasm_client_00P7TMJAMtIAKPK15KMeONVl8lPkp3Q5J7OZtDH3YNd2sgVha')
})

test('the 43 characters hold all 256 bits', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(bytes, (secret) => {
      const text = makeKey('admin', () => secret).slice('chasm_admin_'.length, -6)
      let value = 0n
      for (const digit of text) value = value * 62n + BigInt(digits.indexOf(digit))
      expect(text).toHaveLength(43)
      expect(value).toBe(BigInt(`0x${Buffer.from(secret).toString('hex')}`))
    }),
  )
})

test('the checksum is the CRC-32 that everybody knows', () => {
  const unchecked = key.slice(0, -6)
  let value = 0
  for (const digit of key.slice(-6)) value = value * 62 + digits.indexOf(digit)
  expect(value).toBe(Bun.hash.crc32(unchecked))
})

test('any one mistyped character, and any two swapped neighbours, are noticed', () => {
  for (let at = 'chasm_client_'.length; at < key.length; at++) {
    const other = key[at] === 'x' ? 'y' : 'x'
    expect(parseKey(key.slice(0, at) + other + key.slice(at + 1))).toHaveProperty('flaw')
    const swapped = key.slice(0, at) + (key[at + 1] ?? '') + key[at] + key.slice(at + 2)
    if (swapped !== key) expect(parseKey(swapped)).toHaveProperty('flaw')
  }
})

test('a key moved to another role is noticed', () => {
  expect(parseKey(key.replace('client', 'admin'))).toEqual({ flaw: expect.stringContaining('checksum') })
})

test.each([
  ['nothing', '', 'there is no key'],
  ['a key of another service', 'sk-proj-abcdefghijklmnopqrstuvwxyz', 'this is not a Chasm key'],
  ['the header word with it', `Bearer ${key}`, 'this is not a Chasm key'],
  ['a role that does not exist', key.replace('client', 'owner'), 'its role is not one of admin, client, scout'],
  ['a cut key', key.slice(0, -5), 'cut short: 5 characters are missing'],
  ['a key with a line break', `${key}\n`, 'too long: it has 1 characters too many'],
  ['a sign in the middle', `${key.slice(0, 20)}-${key.slice(21)}`, 'only letters and digits'],
  ['a wrong end', `${key.slice(0, -1)}_`, 'only letters and digits'],
])('%s is refused with a sentence that shows nothing of it', (_what, text, says) => {
  const result = parseKey(text)
  expect(result).toEqual({ flaw: expect.stringContaining(says) })
  const secret = text.slice(-40)
  if (secret !== '') expect(JSON.stringify(result)).not.toContain(secret)
})

test('no text makes it throw or answer anything but a role or a sentence', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
      expect(parseKey(`chasm_client_${text}`)).toHaveProperty('flaw')
    }),
  )
})

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
