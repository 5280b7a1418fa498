/**
 * What the hub needs of Ethereum: addresses in their two spellings, and who signed a text with `personal_sign`
 * (EIP-191). Pure. The verification of sign-ins asks it; only ordinary accounts can be checked this way, since a
 * contract's word is a call on its chain.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

const addressForm = /^0x[0-9a-fA-F]{40}$/
const bytesForm = /^0x(?:[0-9a-fA-F]{2})*$/

/** `r`, `s` and the byte that tells which of two keys it is. */
export const signatureBytes = 65

/** An address as it is compared and stored; null for what is none, also when its mixed case is not its checksum. */
export function plainAddress(text: string): string | null {
  if (!addressForm.test(text)) return null
  const lower = text.toLowerCase()
  const digits = text.slice(2)
  const isMixed = /[a-f]/.test(digits) && /[A-F]/.test(digits)
  return isMixed && checksummed(lower) !== text ? null : lower
}

/** The address as people see it, with its checksum in the case of its letters (EIP-55). */
export function checksummed(address: string): string {
  const digits = address.slice(2)
  const hash = bytesToHex(keccak_256(utf8ToBytes(digits)))
  const cased = [...digits].map((digit, at) => (Number.parseInt(hash[at]!, 16) >= 8 ? digit.toUpperCase() : digit))
  return `0x${cased.join('')}`
}

/** The bytes of a signature; null for what is no hexadecimal text. */
export function signatureOf(text: string): Uint8Array | null {
  return bytesForm.test(text) ? hexToBytes(text.slice(2)) : null
}

/**
 * The address whose key signed this text; null when the signature cannot be one: a high `s`, of which there is always
 * a twin, a last byte that means nothing, or numbers that are no point. `signature` has `signatureBytes`.
 */
export function signerOf(text: string, signature: Uint8Array): string | null {
  const last = signature[64]!
  // Some wallets give the parity as it is, most add 27.
  const parity = last >= 27 ? last - 27 : last
  if (parity !== 0 && parity !== 1) return null
  try {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact')
    if (parsed.hasHighS()) return null
    const key = parsed.addRecoveryBit(parity).recoverPublicKey(personalHash(text)).toBytes(false)
    return `0x${bytesToHex(keccak_256(key.subarray(1)).subarray(12))}`
  } catch {
    // The library throws for every pair of numbers that no key could have made.
    return null
  }
}

function personalHash(text: string): Uint8Array {
  const bytes = utf8ToBytes(text)
  const prefix = utf8ToBytes(`\u0019Ethereum Signed Message:\n${bytes.length}`)
  return keccak_256(new Uint8Array([...prefix, ...bytes]))
}
