/**
 * One record of an intent's life as bytes: what kind it is, which record it follows, and its writes. A record that is
 * too large for one message travels in parts, each of which follows the one before. Records come from other
 * authorities, which are believed about what they own; their form is checked here, write by write, and that they
 * concern nothing but their intent in `life.ts`.
 */
import { z } from 'zod'
import { recordBytesMax, recordPartBytesMax } from '../../../shared/limits/cluster/journal.ts'
import { taskKinds } from '../../../shared/task.ts'
import type { StoreWrite } from '../../engine/ports/store.ts'

/** `taken`: whoever signed it has the intent from here on; it writes nothing. */
type RecordKind = 'writes' | 'taken'

export interface RecordPart {
  kind: RecordKind
  /** The number in the log of the part that this one follows; 0 for the first of an intent. */
  previous: number
  /** From 0, of so many. */
  part: number
  parts: number
  body: Uint8Array
}

const version = 1
const kinds: readonly RecordKind[] = ['writes', 'taken']
const headBytes = 14

export function partBytes({ kind, previous, part, parts, body }: RecordPart): Uint8Array {
  const bytes = Buffer.allocUnsafe(headBytes + body.length)
  bytes[0] = version
  bytes[1] = kinds.indexOf(kind)
  bytes.writeBigUInt64BE(BigInt(previous), 2)
  bytes.writeUInt16BE(part, 10)
  bytes.writeUInt16BE(parts, 12)
  bytes.set(body, headBytes)
  return bytes
}

/** Null for what is no part. */
export function readPart(message: Uint8Array): RecordPart | null {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
  const kind = kinds[bytes[1] ?? kinds.length]
  if (bytes.length < headBytes || bytes[0] !== version || kind === undefined) return null
  const previous = Number(bytes.readBigUInt64BE(2))
  const part = bytes.readUInt16BE(10)
  const parts = bytes.readUInt16BE(12)
  if (!Number.isSafeInteger(previous) || part >= parts || parts > partsMax) return null
  return { kind, previous, part, parts, body: bytes.subarray(headBytes) }
}

const partsMax = Math.ceil(recordBytesMax / recordPartBytesMax)

/** The bodies of a record's parts; null when it is larger than a record may be. */
export function bodiesOf(writes: readonly StoreWrite[]): Uint8Array[] | null {
  const bytes = Buffer.from(JSON.stringify(writes.map(plainWrite)))
  if (bytes.length > recordBytesMax) return null
  const bodies: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += recordPartBytesMax) {
    bodies.push(bytes.subarray(at, at + recordPartBytesMax))
  }
  return bodies
}

/** Null for what is no record of writes. */
export function readWrites(bodies: readonly Uint8Array[]): StoreWrite[] | null {
  let value: unknown
  try {
    value = JSON.parse(Buffer.concat(bodies).toString())
  } catch {
    return null
  }
  const parsed = writesForm.safeParse(value)
  return parsed.success ? (parsed.data satisfies StoreWrite[]) : null
}

// ---------------------------------------------------------------- one write

/** With byte strings as texts. */
function plainWrite(write: StoreWrite): unknown {
  return plain(write)
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  }
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

const text = z.string()
const orNull = <Form extends z.ZodType>(form: Form) => z.union([form, z.null()])
const count = z.int().min(0)
const bytes = z.string().transform((encoded, context) => {
  const decoded = new Uint8Array(Buffer.from(encoded, 'base64'))
  // Whatever is no base64 is left out by the runtime.
  if (Math.ceil(decoded.length / 3) * 4 !== encoded.length)
    context.addIssue({ code: 'custom', message: 'is no base64' })
  return decoded
})
const intentStates = ['running', 'done', 'failed', 'cancelled'] as const
const unanswered = ['failed', 'cancelled', 'skipped'] as const
const firstStates = ['blocked', 'ready'] as const
const taskStates = [...firstStates, 'leased', 'done', ...unanswered] as const

const intentForm = z.object({
  ...{ id: text, tenant: text, state: z.enum(intentStates), priority: z.int().min(0).max(9), createdMs: count },
  ...{ deadlineMs: count, finishedMs: orNull(count), metadata: text, fault: orNull(text), resultNode: text },
  ...{ budgetTokens: orNull(count), key: orNull(text) },
})

const taskForm = z.object({
  ...{ task: count, intent: text, node: text, kind: z.enum(taskKinds), model: text, needs: text },
  ...{ state: z.enum(taskStates), attempt: count, charged: count, returned: count, nonce: orNull(bytes) },
  ...{ scout: orNull(text), instance: orNull(text), served: orNull(text), promptTokens: count },
  ...{ completionTokens: count, fault: orNull(text), stage: orNull(count), waits: orNull(text), terms: orNull(text) },
})

const eventForm = z.object({ intent: text, seq: count, type: text, data: text, atMs: count })

const idempotencyForm = z.object({
  ...{ tenant: text, route: text, key: text, bodyHash: text, createdMs: count, status: count, answer: orNull(bytes) },
})

const responseForm = z.object({
  ...{ id: text, tenant: text, createdMs: count, request: bytes, answer: orNull(bytes), intent: orNull(text) },
})

const write = <Kind extends StoreWrite['write']>(kind: Kind) => ({ write: z.literal(kind) })

const writesForm = z.array(
  z.discriminatedUnion('write', [
    z.object({ ...write('intent'), intent: intentForm, tasks: z.array(taskForm), requests: z.array(bytes) }),
    z.object({ ...write('lease'), task: count, attempt: count, nonce: bytes, scout: text, instance: text }),
    z.object({ ...write('release'), task: count, attempt: count, charged: count, returned: count }),
    z.object({
      ...{ ...write('settle'), task: count, attempt: count, nonce: bytes, result: bytes, served: text },
      ...{ promptTokens: count, completionTokens: count },
    }),
    z.object({ ...write('decide'), task: count, stage: count, result: bytes }),
    z.object({
      ...{ ...write('expand'), task: count, stage: count, waits: text, tasks: z.array(taskForm) },
      requests: z.array(orNull(bytes)),
    }),
    z.object({ ...write('requestsAhead'), intent: text, tasks: z.array(count), requests: z.array(bytes) }),
    z.object({ ...write('forgetRequestsAhead'), intent: text, tasks: z.array(count) }),
    z.object({
      ...{ ...write('retry'), intent: text, deadlineMs: count },
      tasks: z.array(z.object({ task: count, state: z.enum(firstStates) })),
    }),
    z.object({ ...write('unblock'), task: count }),
    z.object({ ...write('end'), task: count, state: z.enum(unanswered), charged: count, fault: orNull(text) }),
    z.object({
      ...{ ...write('intentEnd'), intent: text, state: z.enum(intentStates), fault: orNull(text), finishedMs: count },
    }),
    z.object({ ...write('event'), event: eventForm }),
    z.object({ ...write('idempotency'), row: idempotencyForm }),
    z.object({ ...write('response'), row: responseForm }),
  ]),
)
