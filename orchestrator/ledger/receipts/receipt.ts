/**
 * A receipt: what the hub attests of one committed task, as sixteen values in a fixed order, packed as msgpack. It is
 * packed once; from then on its bytes are what is hashed, signed, stored and handed out, and nobody packs it again.
 * Pure; batches are made of receipts in `chain.ts`.
 */
import { beginFrame, readValue } from '../../../shared/protocol/read.ts'
import { write } from '../../../shared/protocol/write.ts'
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

/** Bytes that belong to nobody else. */
export function packReceipt(receipt: Receipt): Uint8Array {
  const { task, attempt, atS, scout, ownerTag, tenantTag, kind, model, provider } = receipt
  const { requestHash, answerHash, promptUnits, answerUnits, points, flags } = receipt
  const head = [receiptVersion, task, attempt, atS, scout, ownerTag, tenantTag, taskKinds.indexOf(kind)]
  const work = [model, provider, requestHash, answerHash, promptUnits, answerUnits, points, flags]
  // The writer's pool is shared by all frames, and would be kept whole.
  return new Uint8Array(write([...head, ...work]))
}

/** What stands in bytes that `packReceipt` made. */
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
