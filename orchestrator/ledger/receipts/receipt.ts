/**
 * A receipt: what the hub attests of one committed task, as nineteen values in a fixed order, packed as msgpack. It is
 * packed once, where it will stay; from then on its bytes are what is hashed, signed, stored and handed out, and nobody
 * packs it again. Receipts of version 1, which lack the last three values, are read for as long as chains hold them.
 * Pure; batches are made of receipts in `leaf-buffer.ts` and `chain.ts`.
 */
import { sha256Bytes } from '../../../shared/answers/sha256.ts'
import { beginFrame, readValue } from '../../../shared/protocol/read.ts'
import {
  writeBytes,
  writeBytesOrNull,
  writeInto,
  writeListHead,
  writeNumber,
  writeString,
} from '../../../shared/protocol/write.ts'
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
  /** Name of the hub whose client asked; empty for this one. */
  asker: string
  /** Name of the hub whose scout served; empty for this one. */
  home: string
  /** The nonce of the attempt and behind it what its scout signed, `countersignatureBytes`; null when it did not. */
  countersignature: Uint8Array | null
}

/** To be filled. */
export function emptyReceipt(): Receipt {
  const none = new Uint8Array(0)
  return {
    ...{ task: 0, attempt: 0, atS: 0, scout: '', ownerTag: none, tenantTag: none },
    ...{ kind: 'chat', model: '', provider: '' },
    ...{ requestHash: new Uint8Array(sha256Bytes), answerHash: new Uint8Array(sha256Bytes) },
    ...{ promptUnits: 0, answerUnits: 0, points: 0, flags: 0, asker: '', home: '', countersignature: null },
  }
}

/** The same one, in an object of its own. */
export function ownReceipt(receipt: Receipt): Receipt {
  const { requestHash, answerHash } = receipt
  return { ...receipt, requestHash: new Uint8Array(requestHash), answerHash: new Uint8Array(answerHash) }
}

/** The first value; another one stands for another order of values. */
const receiptVersion = 2
/** The one before: it ends with the flags. */
const shortVersion = 1

/** Values of a receipt. */
const valueCount = 19
/** What the head of the list, eight numbers, and the heads of the other values take at most. */
const fixedBytes = 5 + 8 * 9 + 11 * 5
/** A nonce of 16 bytes and an Ed25519 signature of 64. */
const countersignatureBytes = 80
/** Of one UTF-16 unit as UTF-8. */
const utf8BytesMax = 3

/** As many bytes as its receipt takes at most. */
export function receiptRoom(receipt: Receipt): number {
  const { scout, model, provider, ownerTag, tenantTag, requestHash, answerHash, asker, home } = receipt
  const bytes = ownerTag.length + tenantTag.length + requestHash.length + answerHash.length + countersignatureBytes
  const units = scout.length + model.length + provider.length + asker.length + home.length
  return fixedBytes + bytes + utf8BytesMax * units
}

/** Packs a receipt into bytes that have room for it; where it ends. */
export function packReceiptAt(bytes: Buffer<ArrayBuffer>, from: number, receipt: Receipt): number {
  return writeInto(bytes, from, writeReceipt, receipt)
}

/** One by one: a list of them would be made for each task. */
function writeReceipt(receipt: Receipt): void {
  writeListHead(valueCount)
  writeNumber(receiptVersion)
  writeNumber(receipt.task)
  writeNumber(receipt.attempt)
  writeNumber(receipt.atS)
  writeString(receipt.scout)
  writeBytes(receipt.ownerTag)
  writeBytes(receipt.tenantTag)
  writeNumber(taskKinds.indexOf(receipt.kind))
  writeString(receipt.model)
  writeString(receipt.provider)
  writeBytes(receipt.requestHash)
  writeBytes(receipt.answerHash)
  writeNumber(receipt.promptUnits)
  writeNumber(receipt.answerUnits)
  writeNumber(receipt.points)
  writeNumber(receipt.flags)
  writeString(receipt.asker)
  writeString(receipt.home)
  writeBytesOrNull(receipt.countersignature)
}

/** What stands in bytes that `packReceiptAt` made, here or in an earlier release. */
export function readReceipt(bytes: Uint8Array): Receipt {
  beginFrame(bytes)
  const version = readValue()
  const isShort = version === shortVersion
  if (version !== receiptVersion && !isShort) throw new Error(`a receipt of version ${version} cannot be read`)
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
    asker: isShort ? '' : (readValue() as string),
    home: isShort ? '' : (readValue() as string),
    countersignature: isShort ? null : (readValue() as Uint8Array | null),
  }
}

/** An event's text begins with a brace, a receipt never does. */
export function isReceipt(leaf: Uint8Array): boolean {
  return isReceiptAt(leaf, 0)
}

/** The same of a leaf that begins at this place. */
export function isReceiptAt(packed: Uint8Array, from: number): boolean {
  return packed[from] !== 0x7b
}
