/**
 * What a hub tells of its ledger, as messages and back: the rules, and packs of batches (`pack.ts`) with their head,
 * their signature and their leaves as the chain has them, in as many parts as it takes. The messages are signed beside
 * that, so that leaves which are not those of their head are the doing of their hub, and of nobody else who can write
 * into the log.
 */
import { ledgerPartBytesMax, ledgerPartsMax } from '../../../shared/limits/cluster/ledger.ts'
import type { LoggedMessage } from '../journal/log.ts'
import type { PublicKey } from '../roster/identity.ts'
import { isSignedBy, openMessage } from '../roster/message.ts'

/** As they are, or deflated. */
const kinds = ['batches', 'rules', 'deflated'] as const
export type ToldKind = (typeof kinds)[number]

/** Kind, number of the last batch (or of the first one under these rules), of the part, and of all parts. */
const partHeadBytes = 1 + 8 + 2 + 2

export interface Part {
  kind: ToldKind
  /** Of the last batch in it, or of the first one under these rules. */
  number: number
  part: number
  parts: number
  bytes: Uint8Array
}

/** The same bytes in parts. */
export function partsOf(kind: ToldKind, number: number, bytes: Uint8Array): Uint8Array[] {
  const parts = Math.max(1, Math.ceil(bytes.length / ledgerPartBytesMax))
  return Array.from({ length: parts }, (_, part) => {
    const head = Buffer.alloc(partHeadBytes)
    head.writeUInt8(kinds.indexOf(kind), 0)
    head.writeBigUInt64BE(BigInt(number), 1)
    head.writeUInt16BE(part, 9)
    head.writeUInt16BE(parts, 11)
    return Buffer.concat([head, bytes.subarray(part * ledgerPartBytesMax, (part + 1) * ledgerPartBytesMax)])
  })
}

/** What the holder of this key said under this subject; null for what is said by somebody else, and for no part. */
export function partIn({ subject, message }: LoggedMessage, publicKey: PublicKey): Part | null {
  const opened = openMessage(message)
  return opened !== null && isSignedBy(opened, subject, publicKey) ? readPart(opened.payload) : null
}

function readPart(payload: Uint8Array): Part | null {
  if (payload.length < partHeadBytes) return null
  const head = Buffer.from(payload.buffer, payload.byteOffset, partHeadBytes)
  const kind = kinds[head.readUInt8(0)]
  const number = Number(head.readBigUInt64BE(1))
  const [part, parts] = [head.readUInt16BE(9), head.readUInt16BE(11)]
  const isPart = Number.isSafeInteger(number) && parts >= 1 && parts <= ledgerPartsMax && part < parts
  return kind === undefined || !isPart ? null : { kind, number, part, parts, bytes: payload.subarray(partHeadBytes) }
}

/** Puts the parts of one hub together, which come one after the other. */
export class Together {
  private parts: Part[] = []
  /** The number in the log of the first part of what is not taken yet; null for none. */
  fromSeq: number | null = null

  /** The whole with its last part; null before, and for a part that follows on nothing. */
  add(part: Part, seq: number): Part | null {
    if (part.parts === 1) return part
    const isNext = part.part === this.parts.length && isOfOne(this.parts[0], part)
    if (!isNext) {
      // Something that was told before, shown again by anybody, does not end what is under way.
      if (part.part !== 0) return null
      this.parts = []
      this.fromSeq = seq
    }
    // What is kept of a part must not keep the message that it came in.
    this.parts.push({ ...part, bytes: Uint8Array.from(part.bytes) })
    if (this.parts.length < part.parts) return null
    const bytes = Buffer.concat(this.parts.map((one) => one.bytes))
    this.parts = []
    return { ...part, bytes }
  }

  /** What is whole was taken. A hub that stops before has written down that it is to be read again. */
  taken({ parts }: Pick<Part, 'parts'>): void {
    if (parts > 1) this.fromSeq = null
  }
}

function isOfOne(first: Part | undefined, part: Part): boolean {
  return first?.kind === part.kind && first.number === part.number && first.parts === part.parts
}
