/**
 * Checks a ledger file line by line: every line is written in the one way it can be, every head is signed by the hub
 * and names the one before, the leaves belong to its root, and the points of every receipt follow from its rules.
 * Whoever has a file feeds its lines in order and gets the first thing that is wrong, or what the file proves.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { Books } from './books.ts'
import { Flaw, must, objectOf } from './flaw.ts'
import { checkPoints, type Rules, readReceipt, readRules } from './receipt.ts'
import { rootOfAll, rootOfPath, sha256 } from './tree.ts'

const headTag = Buffer.from('chasm-ledger-v1\n')
const headBytes = 132
const signatureBytes = 64
const keyPrefix = 'ed25519:'
const openBrace = 0x7b

export interface Findings {
  batches: number
  receipts: number
  events: number
  points: number
  /** Numbers of the first and the last batch; 0 of an empty file. */
  first: number
  last: number
  /** Hash of the last head: two files of one hub that differ here at the same number prove that it told two stories. */
  lastHash: string
  /** Null unless the file begins with batch 1 and has every leaf. */
  books: Books | null
}

interface Head {
  seq: number
  previous: Buffer
  root: Buffer
  count: number
  rulesHash: string
}

export class LedgerCheck {
  private line = 0
  private readonly key: KeyObject
  private readonly rules = new Map<string, Rules>()
  private readonly found: Findings = {
    ...{ batches: 0, receipts: 0, events: 0, points: 0, first: 0, last: 0, lastHash: '' },
    books: new Books(),
  }

  /** `hub`: its public key, from somewhere else than the file. Throws a Flaw when it is none. */
  constructor(private readonly hub: string) {
    this.key = publicKey(hub)
  }

  /** The next line, without its end. Throws a Flaw. */
  take(text: string): void {
    this.line++
    try {
      this.judge(text)
    } catch (error) {
      if (error instanceof Flaw) throw new Flaw(`Line ${this.line}: ${error.message}.`)
      throw error
    }
  }

  /** After the last line. */
  end(): Findings {
    must(this.line > 0, () => 'The file is empty.')
    return this.found
  }

  private judge(text: string): void {
    const row = objectIn(text)
    if (this.line === 1) {
      must(row.chasm === 'ledger' && row.version === 1, () => 'this is no ledger of the version that is known here')
      return must(row.hub === this.hub, () => `the file is of the hub ${String(row.hub)}`)
    }
    if (typeof row.rules === 'string')
      this.rules.set(sha256(Buffer.from(row.rules)).toString('hex'), readRules(row.rules))
    else this.batch(row)
  }

  private batch(row: Record<string, unknown>): void {
    const bytes = bytesIn(row.head)
    const head = headIn(bytes)
    const signature = bytesIn(row.signature)
    const isSigned = signature.length === signatureBytes && verify(null, bytes, this.key, signature)
    must(isSigned, () => `the signature of batch ${head.seq} is not the hub's`)
    this.follow(head)
    const rules = this.rules.get(head.rulesHash)
    must(rules !== undefined, () => `the rules of batch ${head.seq} are missing`)
    if (Array.isArray(row.leaves)) {
      const leaves = row.leaves.map(bytesIn)
      must(leaves.length === head.count, () => `batch ${head.seq} has ${head.count} leaves, not ${leaves.length}`)
      must(rootOfAll(leaves).equals(head.root), () => `the leaves of batch ${head.seq} are not those that were signed`)
      for (const leaf of leaves) this.leaf(leaf, rules)
    } else this.some(row.some, head, rules)
    this.found.last = head.seq
    this.found.lastHash = sha256(bytes).toString('hex')
    this.found.batches++
  }

  private follow({ seq, previous }: Head): void {
    const { batches, last, lastHash } = this.found
    if (batches === 0) {
      this.found.first = seq
      must(seq > 0, () => 'batches are numbered from 1')
      must(seq > 1 || previous.every((byte) => byte === 0), () => 'the first batch follows on another one')
      // What was before is not known.
      if (seq > 1) this.found.books = null
      return
    }
    must(seq === last + 1, () => `batch ${seq} comes after batch ${last}`)
    must(previous.toString('hex') === lastHash, () => `batch ${seq} follows on another batch ${last} than this one`)
  }

  private some(rows: unknown, { seq, root, count }: Head, rules: Rules): void {
    must(Array.isArray(rows), () => `batch ${seq} has no leaves`)
    this.found.books = null
    let before = -1
    for (const row of rows) {
      must(Array.isArray(row) && row.length === 3 && Array.isArray(row[2]), () => `a leaf of batch ${seq} has no path`)
      const [place, leaf, path] = row as [number, unknown, unknown[]]
      must(place > before, () => `the leaves of batch ${seq} are out of order`)
      before = place
      const bytes = bytesIn(leaf)
      const isIn = rootOfPath(bytes, place, count, path.map(bytesIn)).equals(root)
      must(isIn, () => `leaf ${place} is not the one that was signed in batch ${seq}`)
      this.leaf(bytes, rules)
    }
  }

  private leaf(bytes: Buffer, rules: Rules): void {
    if (bytes[0] === openBrace) {
      this.found.events++
      return this.found.books?.event(objectIn(bytes.toString('utf8')))
    }
    const receipt = readReceipt(bytes)
    checkPoints(receipt, rules)
    this.found.receipts++
    this.found.points += receipt.points
    this.found.books?.receipt(receipt)
  }
}

/** Whether a detached signature, in base64url, is the hub's under these bytes. */
export function isSigned(hub: string, bytes: Uint8Array, signature: string): boolean {
  const given = Buffer.from(signature, 'base64url')
  const isPlain = given.length === signatureBytes && given.toString('base64url') === signature
  return isPlain && verify(null, bytes, publicKey(hub), given)
}

function publicKey(hub: string): KeyObject {
  const x = hub.slice(keyPrefix.length)
  const bytes = Buffer.from(x, 'base64url')
  const isKey = hub.startsWith(keyPrefix) && bytes.length === 32 && bytes.toString('base64url') === x
  must(isKey, () => `${hub} is no public key of a hub: it begins with ${keyPrefix} and has 43 characters behind that.`)
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}

/** The object that a line is, written in the one way that counts: another spelling could hide something. */
function objectIn(text: string): Record<string, unknown> {
  const value = objectOf(text)
  must(JSON.stringify(value) === text, () => 'it is not written as the hub writes it')
  return value
}

function bytesIn(value: unknown): Buffer {
  must(typeof value === 'string', () => 'something else stands where bytes belong')
  const bytes = Buffer.from(value, 'base64url')
  must(bytes.toString('base64url') === value, () => 'bytes are not written as the hub writes them')
  return bytes
}

function headIn(bytes: Buffer): Head {
  const isHead = bytes.length === headBytes && bytes.subarray(0, headTag.length).equals(headTag)
  must(isHead, () => 'a head is none')
  return {
    seq: Number(bytes.readBigUInt64BE(16)),
    previous: bytes.subarray(24, 56),
    root: bytes.subarray(56, 88),
    count: bytes.readUInt32BE(88),
    rulesHash: bytes.subarray(100, 132).toString('hex'),
  }
}
