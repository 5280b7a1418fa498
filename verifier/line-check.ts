/**
 * What one line of a ledger file proves by itself, given the rules of the lines before it: it is written in the one way
 * it can be, its head is signed by the hub, its leaves belong to the root of that head, and the points of every receipt
 * follow from the rules. What it proves is plain data, so that lines can be checked in several threads at once;
 * `ledger-check.ts` puts it together in the order of the file.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { Flaw, must, objectOf } from './flaw.ts'
import { checkPoints, type Rules, readReceipt, readRules } from './receipt.ts'
import type { Countersigned } from './signers.ts'
import { rootOfAll, rootOfPath, sha256 } from './tree.ts'

const headTag = Buffer.from('chasm-ledger-v1\n')
const headBytes = 132
const signatureBytes = 64
const keyPrefix = 'ed25519:'
const openBrace = 0x7b

/** Receipts that stand together in a batch, as far as balances concern them. */
export interface Work {
  tasks: number[]
  /** Points by the account that they go to. */
  escrow: Map<string, number>
  /** Numbers of their days since 1970. */
  days: Set<number>
}

export type Event = Readonly<Record<string, unknown>>

export interface BatchProof {
  seq: number
  /** Hashes of the head before, and of its own, in hexadecimal. */
  previous: string
  hash: string
  /** It has every leaf. */
  isWhole: boolean
  receipts: number
  events: number
  points: number
  /** Its leaves in their order. */
  steps: (Work | Event)[]
  /** Receipts that are signed by their scouts, too: with which key is known from the lines before. */
  countersigned: Countersigned[]
}

export interface LineProof {
  /** What is wrong with the line by itself, as a clause; null when nothing is. */
  flaw: string | null
  /** Of a line with a head that the hub signed; with a flaw as far as it was looked at. */
  batch: BatchProof | null
}

export class LineCheck {
  private readonly key: KeyObject
  private readonly rules = new Map<string, Rules>()

  /** `hub`: its public key, from somewhere else than the file. Throws a Flaw when it is none. */
  constructor(private readonly hub: string) {
    this.key = publicKey(hub)
  }

  /** `isFirst`: of the whole file. */
  prove(text: string, isFirst: boolean): LineProof {
    const proof: LineProof = { flaw: null, batch: null }
    try {
      const row: Event = batchIn(text) ?? objectIn(text)
      if (isFirst) this.first(row)
      else if (typeof row.rules === 'string') this.learn(row.rules)
      else this.batch(row, proof)
    } catch (error) {
      if (!(error instanceof Flaw)) throw error
      proof.flaw = error.message
    }
    return proof
  }

  private first(row: Event): void {
    must(row.chasm === 'ledger' && row.version === 1, () => 'this is no ledger of the version that is known here')
    must(row.hub === this.hub, () => `the file is of the hub ${String(row.hub)}`)
  }

  private learn(rules: string): void {
    this.rules.set(sha256(Buffer.from(rules)).toString('hex'), readRules(rules))
  }

  private batch(row: Event, proof: LineProof): void {
    const bytes = bytesIn(row.head)
    const head = headIn(bytes)
    const { seq, previous, rulesHash } = head
    const signature = bytesIn(row.signature)
    const isSigned = signature.length === signatureBytes && verify(null, bytes, this.key, signature)
    must(isSigned, () => `the signature of batch ${seq} is not the hub's`)
    const isWhole = Array.isArray(row.leaves)
    const hash = sha256(bytes).toString('hex')
    const sums = { receipts: 0, events: 0, points: 0, steps: [], countersigned: [] }
    const batch: BatchProof = { seq, previous, hash, isWhole, ...sums }
    proof.batch = batch
    const rules = this.rules.get(rulesHash)
    must(rules !== undefined, () => `the rules of batch ${seq} are missing`)
    for (const leaf of isWhole ? allLeaves(row.leaves as unknown[], head) : someLeaves(row.some, head)) {
      addLeaf(batch, leaf, rules)
    }
  }
}

interface Head {
  seq: number
  previous: string
  root: Buffer
  count: number
  rulesHash: string
}

function allLeaves(rows: readonly unknown[], { seq, count, root }: Head): Buffer[] {
  const leaves = rows.map(bytesIn)
  must(leaves.length === count, () => `batch ${seq} has ${count} leaves, not ${leaves.length}`)
  must(rootOfAll(leaves).equals(root), () => `the leaves of batch ${seq} are not those that were signed`)
  return leaves
}

function someLeaves(rows: unknown, { seq, root, count }: Head): Buffer[] {
  must(Array.isArray(rows), () => `batch ${seq} has no leaves`)
  let before = -1
  return rows.map((row) => {
    must(Array.isArray(row) && row.length === 3 && Array.isArray(row[2]), () => `a leaf of batch ${seq} has no path`)
    const [place, leaf, path] = row as [number, unknown, unknown[]]
    must(place > before, () => `the leaves of batch ${seq} are out of order`)
    before = place
    const bytes = bytesIn(leaf)
    const isIn = rootOfPath(bytes, place, count, path.map(bytesIn)).equals(root)
    must(isIn, () => `leaf ${place} is not the one that was signed in batch ${seq}`)
    return bytes
  })
}

function addLeaf(batch: BatchProof, leaf: Buffer, rules: Rules): void {
  const { steps } = batch
  if (leaf[0] === openBrace) {
    batch.events++
    steps.push(objectIn(leaf.toString('utf8')))
    return
  }
  const receipt = readReceipt(leaf)
  checkPoints(receipt, rules)
  const { task, attempt, atS, scout, model, points, answerHash, countersignature } = receipt
  if (countersignature !== null) batch.countersigned.push({ task, attempt, scout, answerHash, countersignature })
  batch.receipts++
  batch.points += points
  const last = steps.at(-1)
  const work: Work = last !== undefined && isWork(last) ? last : { tasks: [], escrow: new Map(), days: new Set() }
  if (work !== last) steps.push(work)
  const day = Math.floor(atS / 86_400)
  work.tasks.push(task)
  work.days.add(day)
  if (points === 0) return
  const account = `escrow\t${day}\t${scout}\t${model}`
  work.escrow.set(account, (work.escrow.get(account) ?? 0) + points)
}

export function isWork(step: Work | Event): step is Work {
  return step.escrow instanceof Map
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

/**
 * What `objectIn` gives of a batch with all of its leaves, which are almost all of a file: no other line begins and
 * goes on like it, and bytes have no character that could be written in another way. Null for any other line.
 */
function batchIn(text: string): { head: string; signature: string; leaves: string[] } | null {
  const [opening, behindHead, behindSignature, ending] = batchFrame
  const headEnd = opening.length + base64Chars(headBytes)
  const signatureAt = headEnd + behindHead.length
  const signatureEnd = signatureAt + base64Chars(signatureBytes)
  const leavesAt = signatureEnd + behindSignature.length
  const isBatch =
    text.startsWith(opening) &&
    text.startsWith(behindHead, headEnd) &&
    text.startsWith(behindSignature, signatureEnd) &&
    text.endsWith(ending)
  if (!isBatch || text.length < leavesAt + ending.length) return null
  const head = text.slice(opening.length, headEnd)
  const signature = text.slice(signatureAt, signatureEnd)
  const leaves = text.slice(leavesAt, -ending.length)
  if (!isBytes(head) || !isBytes(signature) || !areBytes(leaves)) return null
  return { head, signature, leaves: leaves.split(betweenLeaves) }
}

const batchFrame = ['{"head":"', '","signature":"', '","leaves":["', '"]}'] as const
const betweenLeaves = '","'

function isBytes(text: string): boolean {
  return /^[\w-]+$/.test(text)
}

/** One behind the other. */
function areBytes(text: string): boolean {
  return /^[\w-]+(?:","[\w-]+)*$/.test(text)
}

/** Without padding. */
function base64Chars(bytes: number): number {
  return Math.ceil((bytes * 4) / 3)
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
    previous: bytes.toString('hex', 24, 56),
    root: bytes.subarray(56, 88),
    count: bytes.readUInt32BE(88),
    rulesHash: bytes.toString('hex', 100, 132),
  }
}
