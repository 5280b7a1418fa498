/**
 * The written form of an API key: `chasm_<role>_<43 base62><6 base62 checksum>`. The 43 characters are 256 random bits,
 * the checksum is the CRC-32 of everything before it, so a mistyped or cut key is distinguished from an unknown one
 * without a look into any store. Both sides read it: the hub before it hashes, the scout before it dials. What a key
 * may do and whether it exists is the keyring's.
 */

export type KeyRole = 'admin' | 'client' | 'scout'
export const keyRoles: readonly KeyRole[] = ['admin', 'client', 'scout']

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const secretBytes = 32
const secretChars = 43
const checksumChars = 6
const form = new RegExp(`^chasm_([a-z]+)_[0-9A-Za-z]{${secretChars + checksumChars}}$`)
const beginning = /^chasm_([a-z]+)_/

/** A new key. `randomBytes` must be cryptographically strong. */
export function makeKey(role: KeyRole, randomBytes: (count: number) => Uint8Array): string {
  let secret = 0n
  for (const byte of randomBytes(secretBytes)) secret = (secret << 8n) | BigInt(byte)
  const unchecked = `chasm_${role}_${base62(secret, secretChars)}`
  return unchecked + checksum(unchecked)
}

/** What a key claims to be, or one sentence about why it is no key. The sentence never holds any of the text. */
export function parseKey(text: string): { role: KeyRole } | { flaw: string } {
  const match = form.exec(text)
  if (match === null) return { flaw: formFlaw(text) }
  const role = keyRoles.find((known) => known === match[1])
  if (role === undefined) return { flaw: `this is not a Chasm key: its role is not one of ${keyRoles.join(', ')}` }
  if (checksum(text.slice(0, -checksumChars)) !== text.slice(-checksumChars)) {
    return { flaw: 'the key is mistyped: its checksum does not match; copy it again in full' }
  }
  return { role }
}

function formFlaw(text: string): string {
  if (text === '') return 'there is no key: send one of the form chasm_<role>_<49 letters and digits>'
  const begin = beginning.exec(text)
  if (begin === null) return 'this is not a Chasm key: a key begins with chasm_client_, chasm_scout_ or chasm_admin_'
  const wanted = begin[0].length + secretChars + checksumChars
  if (text.length < wanted) return `the key is cut short: ${wanted - text.length} characters are missing at its end`
  if (text.length > wanted) return `the key is too long: it has ${text.length - wanted} characters too many`
  return 'the key is mistyped: after its role it may hold only letters and digits'
}

function base62(value: bigint, chars: number): string {
  let rest = value
  let text = ''
  for (let place = 0; place < chars; place++) {
    text = digits[Number(rest % 62n)] + text
    rest /= 62n
  }
  return text
}

function checksum(text: string): string {
  let rest = crc32(text)
  let sum = ''
  for (let place = 0; place < checksumChars; place++) {
    sum = digits[rest % 62] + sum
    rest = Math.floor(rest / 62)
  }
  return sum
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** CRC-32 as in zip and PNG, of ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) crc = (crc >>> 8) ^ crcTable[(crc ^ text.charCodeAt(at)) & 0xff]!
  return ~crc >>> 0
}
