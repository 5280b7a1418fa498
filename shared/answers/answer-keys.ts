/**
 * The Ed25519 keys with which scouts sign what they answer: made of 32 secret bytes, which the scout keeps, and checked
 * by the hub with the public half.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export const seedBytes = 32

/** What stands before the secret bytes in the form of a private key that the library reads (RFC 8410). */
const keyHeader = Buffer.from('302e020100300506032b657004220420', 'hex')

export class AnswerKey {
  readonly publicKey: Uint8Array
  private readonly secret: KeyObject

  /** `seed`: 32 bytes from a cryptographically strong source. */
  constructor(seed: Uint8Array) {
    this.secret = createPrivateKey({ key: Buffer.concat([keyHeader, seed]), format: 'der', type: 'pkcs8' })
    const { x } = createPublicKey(this.secret).export({ format: 'jwk' })
    this.publicKey = new Uint8Array(Buffer.from(x!, 'base64url'))
  }

  sign(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, bytes, this.secret))
  }
}

/** The public half as the hub has it. */
export class AnswerCheck {
  private readonly key: KeyObject

  constructor(publicKey: Uint8Array) {
    const x = Buffer.from(publicKey).toString('base64url')
    this.key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  }

  /** False as well for a key that lies on no curve. */
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, bytes, this.key, signature)
  }
}

const keyPrefix = 'ed25519:'

/** As it stands in the ledger. */
export function keyText(publicKey: Uint8Array): string {
  return keyPrefix + Buffer.from(publicKey).toString('base64url')
}

/** Null for what is no key, or not in its one spelling. */
export function keyIn(text: string): Uint8Array | null {
  const bytes = Buffer.from(text.slice(keyPrefix.length), 'base64url')
  return bytes.length === seedBytes && keyText(bytes) === text ? new Uint8Array(bytes) : null
}
