/**
 * The envelope of a message between hubs: who sent it, to whom, in which epoch of the roster, under which number, and
 * the sender's signature over all of that, the subject and the bytes. It owns the layout; what is believed of a message
 * is decided in `message-gate.ts`. Reading allocates views only, and nothing is believed before it is measured.
 *
 * Layout: version, sender and receiver (a length of one byte before each; no receiver means every hub), then big-endian
 * epoch, boot, receiver's boot (4 bytes each) and number (8 bytes), the signature (64), and the payload to the end.
 */
import { hubMessageBytesMax } from '../../../shared/limits/cluster/bus.ts'
import { hubNameCharsMax, hubSubjectBytesMax } from '../../../shared/limits/cluster/roster.ts'
import { type Identity, type PublicKey, signatureBytes } from './identity.ts'

const version = 1
const numbersBytes = 20
/** In front of the signed bytes, so that a signature of a message can stand for nothing else. */
const domain = Buffer.from('chasm message 1\n')

/** Bytes of a message beyond its payload, at most. */
export const envelopeBytesMax = 3 + 2 * hubNameCharsMax + numbersBytes + signatureBytes

/** One process of one hub: a hub counts its starts, and what was meant for an earlier one is not for this one. */
export interface HubProcess {
  name: string
  boot: number
}

export interface MessageHead {
  from: HubProcess
  /** Null: every hub. */
  to: HubProcess | null
  epoch: number
  /** From 1, for this sender, boot and receiver. */
  number: number
}

export interface OpenedMessage {
  head: MessageHead
  /** Bytes of the head, as they are signed. */
  headBytes: Uint8Array
  signature: Uint8Array
  /** A view into the message. */
  payload: Uint8Array
}

/** Throws when subject or message are larger than allowed: whoever sends bounds its payloads. */
export function sealMessage(head: MessageHead, subject: string, payload: Uint8Array, identity: Identity): Uint8Array {
  const headBytes = bytesOfHead(head)
  const signature = identity.sign(signedBytes(headBytes, subject, payload))
  const message = Buffer.concat([headBytes, signature, payload])
  if (message.length > hubMessageBytesMax) throw new RangeError(`a message between hubs of ${message.length} bytes`)
  return message
}

/** Takes the envelope off; null when it is none. The signature is not looked at. */
export function openMessage(message: Uint8Array): OpenedMessage | null {
  if (message.length > hubMessageBytesMax || message[0] !== version) return null
  const sender = nameAt(message, 1)
  if (sender === null || sender.name === '') return null
  const receiver = nameAt(message, sender.end)
  if (receiver === null) return null
  const headEnd = receiver.end + numbersBytes
  if (message.length < headEnd + signatureBytes) return null
  const numbers = new DataView(message.buffer, message.byteOffset + receiver.end, numbersBytes)
  const number = Number(numbers.getBigUint64(12))
  const toBoot = numbers.getUint32(8)
  if (!Number.isSafeInteger(number) || number < 1 || (receiver.name === '') !== (toBoot === 0)) return null
  const head = {
    from: { name: sender.name, boot: numbers.getUint32(4) },
    to: receiver.name === '' ? null : { name: receiver.name, boot: toBoot },
    epoch: numbers.getUint32(0),
    number,
  }
  return {
    head,
    headBytes: message.subarray(0, headEnd),
    signature: message.subarray(headEnd, headEnd + signatureBytes),
    payload: message.subarray(headEnd + signatureBytes),
  }
}

/** Whether the holder of this key sealed it under this subject. */
export function isSignedBy(opened: OpenedMessage, subject: string, publicKey: PublicKey): boolean {
  const { headBytes, payload, signature } = opened
  return publicKey.verifies(signedBytes(headBytes, subject, payload), signature)
}

/** What a payload is as JSON; null for what is none. */
export function jsonIn(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString())
  } catch {
    return null
  }
}

/** What a signature stands for. */
function signedBytes(headBytes: Uint8Array, subject: string, payload: Uint8Array): Uint8Array {
  const subjectBytes = Buffer.from(subject)
  if (subjectBytes.length > hubSubjectBytesMax) throw new RangeError(`a subject of ${subjectBytes.length} bytes`)
  return Buffer.concat([domain, Uint8Array.of(subjectBytes.length), subjectBytes, headBytes, payload])
}

function bytesOfHead({ from, to, epoch, number }: MessageHead): Uint8Array {
  const names = Buffer.from(`\0${from.name}\0${to?.name ?? ''}`, 'latin1')
  names[0] = from.name.length
  names[1 + from.name.length] = to?.name.length ?? 0
  const numbers = new DataView(new ArrayBuffer(numbersBytes))
  numbers.setUint32(0, epoch)
  numbers.setUint32(4, from.boot)
  numbers.setUint32(8, to?.boot ?? 0)
  numbers.setBigUint64(12, BigInt(number))
  return Buffer.concat([Uint8Array.of(version), names, new Uint8Array(numbers.buffer)])
}

function nameAt(message: Uint8Array, at: number): { name: string; end: number } | null {
  const length = message[at]
  const end = at + 1 + (length ?? 0)
  if (length === undefined || length > hubNameCharsMax || message.length < end) return null
  return { name: Buffer.from(message.buffer, message.byteOffset + at + 1, length).toString('latin1'), end }
}
