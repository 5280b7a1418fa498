/**
 * A receipt: what the hub attests of one committed task, as sixteen values in a fixed order, packed as msgpack. It is
 * packed once, where it will stay; from then on its bytes are what is hashed, signed, stored and handed out, and nobody
 * packs it again. Pure; batches are made of receipts in `leaf-buffer.ts` and `chain.ts`.
 */
import { beginFrame, readValue } from '../../../shared/protocol/read.ts'
import { type TaskKind, taskKinds } from '../../../shared/task.ts'

export interface Receipt {
  task: number
  attempt: number
  /** Seconds since 1970, when it was committed. */
  atS: number
  /** Operator and name of who served it. */
  scout: string
  /** Which owner's scout, and whose request it was: 8 bytes each, the same for the same owner at one hub. */
  ownerTag: Uint8Array
  tenantTag: Uint8Array
  kind: TaskKind
  /** As the scout offered it. */
  model: string
  provider: string
  /** Of the body that the scout got and of the texts that it answered; see `hashes.ts`. */
  requestHash: Uint8Array
  answerHash: Uint8Array
  promptUnits: number
  answerUnits: number
  points: number
  /** Sum of `flagBits`. */
  flags: number
}

/** The first value; another one stands for another order of values. */
const receiptVersion = 1

/** Values of a receipt. */
const valueCount = 16
/** What the head of the list, eight numbers, and the heads of the other values take at most. */
const fixedBytes = 5 + 8 * 9 + 8 * 5
/** Of one UTF-16 unit as UTF-8. */
const utf8BytesMax = 3

/** As many bytes as its receipt takes at most. */
export function receiptRoom({ scout, model, provider, ownerTag, tenantTag, requestHash, answerHash }: Receipt): number {
  const hashes = ownerTag.length + tenantTag.length + requestHash.length + answerHash.length
  return fixedBytes + hashes + utf8BytesMax * (scout.length + model.length + provider.length)
}

/** Where the next value goes, and into what. */
let at = 0
let into = Buffer.alloc(0)

/** Packs a receipt into bytes that have room for it; where it ends. */
export function packReceiptAt(bytes: Buffer, from: number, receipt: Receipt): number {
  into = bytes as Buffer<ArrayBuffer>
  at = from
  putHead(0xdd, valueCount)
  putNumber(receiptVersion)
  putNumber(receipt.task)
  putNumber(receipt.attempt)
  putNumber(receipt.atS)
  putText(receipt.scout)
  putBytes(receipt.ownerTag)
  putBytes(receipt.tenantTag)
  putNumber(taskKinds.indexOf(receipt.kind))
  putText(receipt.model)
  putText(receipt.provider)
  putBytes(receipt.requestHash)
  putBytes(receipt.answerHash)
  putNumber(receipt.promptUnits)
  putNumber(receipt.answerUnits)
  putNumber(receipt.points)
  putNumber(receipt.flags)
  return at
}

function putHead(tag: number, value: number): void {
  into[at] = tag
  at = into.writeUInt32BE(value, at + 1)
}

/** Past 2^32 as a float64, which holds every whole number that JavaScript is sure of. */
function putNumber(value: number): void {
  if (value >>> 0 !== value) {
    into[at] = 0xcb
    at = into.writeDoubleBE(value, at + 1)
  } else if (value < 0x80) into[at++] = value
  else if (value < 0x100) {
    into[at] = 0xcc
    into[at + 1] = value
    at += 2
  } else if (value < 0x10000) {
    into[at] = 0xcd
    at = into.writeUInt16BE(value, at + 1)
  } else putHead(0xce, value)
}

/** Tags and hashes. */
function putBytes(bytes: Uint8Array): void {
  into[at] = 0xc4
  into[at + 1] = bytes.length
  into.set(bytes, at + 2)
  at += 2 + bytes.length
}

/** Half a surrogate pair is written as U+FFFD, as every reader reads it. */
function putText(text: string): void {
  if (text.length < 32) {
    const length = into.write(text, at + 1)
    if (length < 32) {
      into[at] = 0xa0 | length
      at += 1 + length
      return
    }
  }
  const length = into.write(text, at + 5)
  putHead(0xdb, length)
  at += length
}

/** What stands in bytes that `packReceiptAt` made. */
export function readReceipt(bytes: Uint8Array): Receipt {
  beginFrame(bytes)
  const version = readValue()
  if (version !== receiptVersion) throw new Error(`a receipt of version ${version} cannot be read`)
  return {
    task: readValue() as number,
    attempt: readValue() as number,
    atS: readValue() as number,
    scout: readValue() as string,
    ownerTag: readValue() as Uint8Array,
    tenantTag: readValue() as Uint8Array,
    kind: taskKinds[readValue() as number]!,
    model: readValue() as string,
    provider: readValue() as string,
    requestHash: readValue() as Uint8Array,
    answerHash: readValue() as Uint8Array,
    promptUnits: readValue() as number,
    answerUnits: readValue() as number,
    points: readValue() as number,
    flags: readValue() as number,
  }
}

/** An event's text begins with a brace, a receipt never does. */
export function isReceipt(leaf: Uint8Array): boolean {
  return leaf[0] !== 0x7b
}
