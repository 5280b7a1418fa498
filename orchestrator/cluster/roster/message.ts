/**
 * The envelope of a message between hubs: who sent it, to whom, in which epoch of the roster, under which number, and
 * a proof over all of that, the subject and the bytes: the sender's signature, or what only the two of them can have
 * made (`pair-keys.ts`). It owns the layout; what is believed of a message is decided in `message-gate.ts`. Reading
 * allocates views only, and nothing is believed before it is measured.
 *
 * Layout: version (1: signed, 2: proved by the pair's key), sender and receiver (a length of one byte before each; no
 * receiver means every hub), then big-endian epoch, boot, receiver's boot (4 bytes each) and number (8 bytes), the
 * proof (a signature of 64 bytes, or 32 bytes), and the payload to the end.
 */
import { hubMessageBytesMax } from '../../../shared/limits/cluster/bus.ts'
import { hubNameCharsMax, hubSubjectBytesMax } from '../../../shared/limits/cluster/roster.ts'
import { type Identity, type PublicKey, signatureBytes } from './identity.ts'

/** Of the layout, by what proves the sender. */
const versions = { signature: 1, pair: 2 } as const
const pairProofBytes = 32
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
  proof: { by: keyof typeof versions; bytes: Uint8Array }
  /** A view into the message. */
  payload: Uint8Array
}

/** A key that sender and receiver have, and nobody else. */
export interface SharedKey {
  /** Over these parts, one behind the other. */
  proof(...parts: readonly Uint8Array[]): Uint8Array
  proves(proof: Uint8Array, ...parts: readonly Uint8Array[]): boolean
}

/** Throws when subject or message are larger than allowed: whoever sends bounds its payloads. */
export function sealMessage(head: MessageHead, subject: string, payload: Uint8Array, identity: Identity): Uint8Array {
  const headBytes = bytesOfHead(head, versions.signature)
  return wholeOf(headBytes, identity.sign(Buffer.concat(provedParts(headBytes, subject, payload))), payload)
}

/** The same for one receiver, who can check it and can show nobody who made it. */
export function sealForPair(head: MessageHead, subject: string, payload: Uint8Array, key: SharedKey): Uint8Array {
  const headBytes = bytesOfHead(head, versions.pair)
  return wholeOf(headBytes, key.proof(...provedParts(headBytes, subject, payload)), payload)
}

function wholeOf(headBytes: Uint8Array, proof: Uint8Array, payload: Uint8Array): Uint8Array {
  const message = Buffer.concat([headBytes, proof, payload])
  if (message.length > hubMessageBytesMax) throw new RangeError(`a message between hubs of ${message.length} bytes`)
  return message
}

/** Takes the envelope off; null when it is none. The proof is not looked at. */
export function openMessage(message: Uint8Array): OpenedMessage | null {
  const by = message[0] === versions.signature ? 'signature' : 'pair'
  if (message.length > hubMessageBytesMax || message[0] !== versions[by]) return null
  const proofLength = by === 'signature' ? signatureBytes : pairProofBytes
  const sender = nameAt(message, 1)
  if (sender === null || sender.name === '') return null
  const receiver = nameAt(message, sender.end)
  if (receiver === null) return null
  const headEnd = receiver.end + numbersBytes
  if (message.length < headEnd + proofLength) return null
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
    proof: { by, bytes: message.subarray(headEnd, headEnd + proofLength) },
    payload: message.subarray(headEnd + proofLength),
  }
}

/** Whether the holder of this key sealed it under this subject. */
export function isSignedBy(opened: OpenedMessage, subject: string, publicKey: PublicKey): boolean {
  const { headBytes, payload, proof } = opened
  if (proof.by !== 'signature') return false
  return publicKey.verifies(Buffer.concat(provedParts(headBytes, subject, payload)), proof.bytes)
}

/** Whether the other one who has this key sealed it under this subject. */
export function isOfPair({ headBytes, payload, proof }: OpenedMessage, subject: string, key: SharedKey): boolean {
  return proof.by === 'pair' && key.proves(proof.bytes, ...provedParts(headBytes, subject, payload))
}

/** What a payload is as JSON; null for what is none. */
export function jsonIn(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString())
  } catch {
    return null
  }
}

/** What a proof stands for. */
function provedParts(headBytes: Uint8Array, subject: string, payload: Uint8Array): Uint8Array[] {
  const subjectBytes = Buffer.from(subject)
  if (subjectBytes.length > hubSubjectBytesMax) throw new RangeError(`a subject of ${subjectBytes.length} bytes`)
  return [domain, Uint8Array.of(subjectBytes.length), subjectBytes, headBytes, payload]
}

function bytesOfHead({ from, to, epoch, number }: MessageHead, version: number): Uint8Array {
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
