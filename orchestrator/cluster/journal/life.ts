/**
 * The life of one intent, put together from what the log has under its subject. Anybody who can reach the servers may
 * write there; what counts is a chain: each part names the one that it follows, is signed by an authority of the epoch
 * that it names, and comes from the hub process that has the intent, or takes it. Everything else is passed over. Who
 * was removed from the roster may still sign with an old epoch: what it put behind the records of others is cut off by
 * the next part of a later epoch that follows an earlier record. Where the same bytes stand there twice, as an earlier
 * version let them, whoever follows either follows the record.
 */
import { intentLifeBytesMax, intentRecordsMax, recordCopiesMax } from '../../../shared/limits/cluster/journal.ts'
import type { StoreWrite } from '../../engine/ports/store.ts'
import type { PublicKey } from '../roster/identity.ts'
import { isSignedBy, openMessage } from '../roster/message.ts'
import { slotOfTask } from '../roster/task-space.ts'
import type { LoggedMessage } from './log.ts'
import { type RecordPart, readPart, readWrites } from './record.ts'

/** What is asked of the roster. */
export interface Authorities {
  readonly epoch: number
  /** An authority of that epoch, with the slot of its tasks; undefined for whoever was none, and for later epochs. */
  authorityAt(epoch: number, name: string): { key: string; publicKey: PublicKey; slot: number } | undefined
}

export interface SignedPart extends RecordPart {
  from: string
  boot: number
  epoch: number
  /** Of the signer then. */
  key: string
  slot: number
  signature: Uint8Array
}

/** A part that was signed by an authority of its epoch; null for everything else. */
export function judgePart(message: Uint8Array, subject: string, authorities: Authorities): SignedPart | null {
  const opened = openMessage(message)
  if (opened === null || opened.head.to !== null) return null
  const { from, epoch } = opened.head
  const authority = authorities.authorityAt(epoch, from.name)
  const part = authority && readPart(opened.payload)
  if (authority === undefined || !part) return null
  if (!isSignedBy(opened, subject, authority.publicKey)) return null
  const { key, slot } = authority
  const signature = Uint8Array.from(opened.proof.bytes)
  return { ...part, from: from.name, boot: from.boot, epoch, key, slot, signature }
}

interface Link extends Omit<SignedPart, 'body'> {
  seq: number
  /** Gone once its record was given out. */
  body: Uint8Array | null
}

export class Life {
  /** The number of the last message that was looked at, whatever it was. */
  last = 0
  /** It cannot be read, and why, as a clause. */
  flaw: string | null = null
  private readonly links: Link[] = []
  /** Other numbers under which the tip stands there. */
  private readonly copies = new Set<number>()
  private given = 0
  private bytes = 0
  private tenant: string | null = null
  private readonly tasks = new Set<number>()

  constructor(
    readonly intent: string,
    private readonly subject: string,
  ) {}

  get records(): number {
    return this.links.length
  }

  /** The last part that counts; undefined while there is none. */
  get tip(): Link | undefined {
    return this.links.at(-1)
  }

  /** Bytes of all its parts. */
  get size(): number {
    return this.bytes
  }

  /** False when what was given out before does not hold any more: it has to be read anew. */
  add({ seq, message }: LoggedMessage, authorities: Authorities): boolean {
    this.last = seq
    const part = judgePart(message, this.subject, authorities)
    if (part === null) return true
    if (this.isTip(part)) {
      if (this.copies.size < recordCopiesMax) this.copies.add(seq)
      return true
    }
    const at = this.placeOf(part, authorities)
    if (at === null || !this.follows(part, at)) return true
    if (at < this.given) return false
    this.links.length = at
    this.links.push({ ...part, seq })
    this.copies.clear()
    this.bytes += part.body.length
    const isTooLong = this.links.length > intentRecordsMax || this.bytes > intentLifeBytesMax
    if (isTooLong) this.flaw = 'it is longer than what is read'
    return true
  }

  /** What the records write that are whole and were not given out before. */
  take(): StoreWrite[] {
    const writes: StoreWrite[] = []
    for (let at = this.given; at < this.links.length && this.flaw === null; this.given = at) {
      const { parts, kind } = this.links[at]!
      const record = this.links.slice(at, at + parts)
      // A part that is not where it belongs was left by a hub that did not come to write the next one.
      const isInOrder = record.every((one, index) => one.part === index)
      if (isInOrder && record.length < parts) break
      at += isInOrder ? parts : 1
      if (isInOrder && kind === 'writes') writes.push(...this.read(record))
    }
    return writes
  }

  /** Where in the chain it goes: behind the tip, or behind what removed hubs have no right to follow. */
  private placeOf({ previous, epoch }: SignedPart, authorities: Authorities): number | null {
    if (previous === (this.tip?.seq ?? 0) || this.copies.has(previous)) return this.links.length
    const at = previous === 0 ? 0 : this.links.findIndex(({ seq }) => seq === previous) + 1
    if (at === 0 && previous !== 0) return null
    const isWithoutRight = ({ from, key, epoch: of }: Link) =>
      of < epoch && authorities.authorityAt(epoch, from)?.key !== key
    return this.links.slice(at).every(isWithoutRight) ? at : null
  }

  /** The same bytes once more: nobody signs two messages alike. */
  private isTip({ signature }: SignedPart): boolean {
    return this.tip !== undefined && Buffer.compare(this.tip.signature, signature) === 0
  }

  private follows(part: SignedPart, at: number): boolean {
    const before = this.links[at - 1]
    if (before === undefined) return part.kind === 'writes' && part.part === 0
    if (part.epoch < before.epoch) return false
    if (part.kind === 'taken') return part.parts === 1
    if (before.from !== part.from || before.boot !== part.boot || before.key !== part.key) return false
    const isWhole = before.part === before.parts - 1
    return isWhole ? part.part === 0 : part.part === before.part + 1 && part.parts === before.parts
  }

  private read(record: readonly Link[]): StoreWrite[] {
    const writes = readWrites(record.map(({ body }) => body!))
    for (const link of record) link.body = null
    if (writes === null) this.flaw = 'a record of it is none'
    else if (!writes.every((write) => this.isOwn(write, record[0]!.slot)))
      this.flaw = 'a record of it concerns something else'
    return this.flaw === null ? writes! : []
  }

  /** Whether a write concerns this intent and nothing else; new tasks bear numbers of whoever signed. */
  private isOwn(write: StoreWrite, slot: number): boolean {
    switch (write.write) {
      case 'intent':
        if (write.intent.id !== this.intent || this.tenant !== null) return false
        this.tenant = write.intent.tenant
        return write.tasks.every(({ task, intent }) => intent === this.intent && this.admits(task, slot))
      case 'expand':
        if (!this.tasks.has(write.task)) return false
        return write.tasks.every(({ task, intent }) => intent === this.intent && this.admits(task, slot))
      case 'requestsAhead':
      case 'forgetRequestsAhead':
        return write.intent === this.intent && write.tasks.every((task) => slotOfTask(task) === slot)
      case 'retry':
        return write.intent === this.intent && write.tasks.every(({ task }) => this.tasks.has(task))
      case 'intentEnd':
        return write.intent === this.intent
      case 'event':
        return write.event.intent === this.intent
      case 'response':
        return write.row.intent === this.intent && write.row.tenant === this.tenant
      case 'idempotency':
        return write.row.tenant === this.tenant && Buffer.from(write.row.answer ?? []).toString() === this.intent
      case 'lease':
      case 'release':
      case 'settle':
      case 'decide':
      case 'unblock':
      case 'end':
        return this.tasks.has(write.task)
      default:
        return false
    }
  }

  private admits(task: number, slot: number): boolean {
    if (this.tasks.has(task) || slotOfTask(task) !== slot) return false
    this.tasks.add(task)
    return true
  }
}
