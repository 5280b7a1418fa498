/**
 * The identity of a hub: an ed25519 key pair made of 32 secret bytes, and the check of somebody else's signature.
 * Rosters and messages are signed with it; where the secret lies is the concern of `identity-file.ts`. Public keys are
 * texts as `ed25519:` and 43 characters in base64url, signatures 86 characters without a prefix; each has one spelling.
 * The prefix also keeps a key that begins with a dash from being an option of a command.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export const seedBytes = 32
export const signatureBytes = 64

/** What stands before the secret bytes in the form of a private key that the library reads (RFC 8410). */
const keyHeader = Buffer.from('302e020100300506032b657004220420', 'hex')

const keyPrefix = 'ed25519:'

export interface Identity {
  /** The public key as text. */
  readonly key: string
  /** 64 bytes; the same for the same bytes (RFC 8032). */
  sign(bytes: Uint8Array): Uint8Array
}

/** `seed`: 32 bytes from a cryptographically strong source. */
export function identityOf(seed: Uint8Array): Identity {
  const secret = createPrivateKey({ key: Buffer.concat([keyHeader, seed]), format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(secret).export({ format: 'jwk' })
  if (x === undefined) throw new Error('an ed25519 key has a public half')
  return { key: keyPrefix + x, sign: (bytes) => sign(null, bytes, secret) }
}

/** A public key that signatures can be checked against. */
export class PublicKey {
  private constructor(private readonly key: KeyObject) {}

  /** Null for what is no key. */
  static read(text: string): PublicKey | null {
    if (!isPublicKey(text)) return null
    const x = text.slice(keyPrefix.length)
    return new PublicKey(createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }))
  }

  /** False for a signature of another length as well, and for a key that lies on no curve. */
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, bytes, this.key, signature)
  }
}

/** Whether a text has the form of a public key. */
export function isPublicKey(text: string): boolean {
  return text.startsWith(keyPrefix) && bytesOfText(text.slice(keyPrefix.length), seedBytes) !== null
}

/** What a text in base64url stands for; null when it has another length or is not the one spelling of its bytes. */
export function bytesOfText(text: string, length: number): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === length && bytes.toString('base64url') === text ? bytes : null
}
