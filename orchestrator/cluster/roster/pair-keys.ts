/**
 * Keys that two processes of hubs have together and nobody else has: each tells the others, in a message that its
 * identity has signed, the public half of a secret that it made when it started, and both make the same key of it
 * (X25519, HKDF). What is said between the two alone is proved with it for a twentieth of what signatures cost; what a
 * third one has to check is signed. Secrets end with their process: what was recorded is of no use later.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { bytesOfText } from './identity.ts'
import type { HubProcess, SharedKey } from './message.ts'

const proofBytes = 32
const secretBytes = 32

/** What stands before the secret bytes in the form of a private key that the library reads (RFC 8410). */
const secretHeader = Buffer.from('302e020100300506032b656e04220420', 'hex')

interface Pair {
  boot: number
  key: SharedKey
}

/** What is proved with one key. */
class PairKey implements SharedKey {
  constructor(private readonly key: Uint8Array) {}

  /** Of these parts, one behind the other. */
  proof(...parts: readonly Uint8Array[]): Uint8Array {
    const hmac = createHmac('sha256', this.key)
    for (const part of parts) hmac.update(part)
    return hmac.digest()
  }

  proves(proof: Uint8Array, ...parts: readonly Uint8Array[]): boolean {
    return proof.length === proofBytes && timingSafeEqual(proof, this.proof(...parts))
  }
}

export class PairKeys {
  /** To be told to the other hubs. */
  readonly own: string
  private readonly secret: KeyObject
  /** By name; the roster bounds it. */
  private readonly pairs = new Map<string, Pair>()

  /** `secret`: 32 bytes from a cryptographically strong source. */
  constructor(
    private readonly process: HubProcess,
    private readonly network: string,
    secret: Uint8Array,
  ) {
    if (secret.length !== secretBytes) throw new RangeError(`a secret of ${secret.length} bytes`)
    this.secret = createPrivateKey({ key: Buffer.concat([secretHeader, secret]), format: 'der', type: 'pkcs8' })
    this.own = createPublicKey(this.secret).export({ format: 'jwk' }).x!
  }

  /** This process has told of its public half. The first one counts; what is none is as good as nothing. */
  meet({ name, boot }: HubProcess, told: string): void {
    if (this.pairs.get(name)?.boot === boot || bytesOfText(told, secretBytes) === null) return
    const secret = this.secretWith(told)
    if (secret === null) return
    const hubs = [`${this.process.name} ${this.process.boot} ${this.own}`, `${name} ${boot} ${told}`]
    const info = `chasm pair 1\n${hubs.toSorted().join('\n')}`
    const key = new PairKey(new Uint8Array(hkdfSync('sha256', secret, this.network, info, proofBytes)))
    this.pairs.set(name, { boot, key })
  }

  /** Undefined while this process has not told of its half, as those of earlier versions never do. */
  with({ name, boot }: HubProcess): SharedKey | undefined {
    const pair = this.pairs.get(name)
    return pair?.boot === boot ? pair.key : undefined
  }

  /** Only these hubs are known from now on. */
  keep(isKnown: (name: string) => boolean): void {
    for (const name of this.pairs.keys()) if (!isKnown(name)) this.pairs.delete(name)
  }

  /** Null for a point with which there is no secret. */
  private secretWith(told: string): Uint8Array | null {
    try {
      const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: told }, format: 'jwk' })
      return diffieHellman({ privateKey: this.secret, publicKey })
    } catch {
      return null
    }
  }
}
