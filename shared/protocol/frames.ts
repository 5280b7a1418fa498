/**
 * The frames of protocol v1, as one table: who sends which, with which fields, in which order. A frame on the wire is a
 * msgpack array `[code, ...fields]`: a thin positional envelope. Requests and answers ride in it as opaque bytes that
 * the hub forwards without re-encoding. PROTOCOL.md describes the same in prose; `codec.ts` turns frames into bytes and
 * back.
 */
import { hubUrlCharsMax } from '../limits/cluster/roster.ts'
import { signingNoteCharsMax, unpaidCharsMax } from '../limits/ledger/ledger.ts'
import { trustNoteCharsMax } from '../limits/trust/audits.ts'
import {
  aboutCharsMax,
  attemptNumberMax,
  bodyBytesMax,
  concurrencyMax,
  durationMsMax,
  faultMessageCharsMax,
  fragmentBytes,
  inlineBodyBytesMax,
  modelCharsMax,
  nameCharsMax,
  offersMax,
  requestBodyBytesMax,
  welcomeHubsMax,
} from '../limits/wire.ts'
import { heldVerdicts, outcomes, taskKinds, verdicts } from '../task.ts'
import {
  added,
  bytes,
  bytesExactly,
  count,
  type Field,
  flag,
  listOf,
  listWith,
  name,
  oneOf,
  orNull,
  text,
} from './fields.ts'

export const protocolVersion = 1
export const subprotocol = 'chasm.v1'
export const scoutPath = '/v1/scout'
export const nonceBytes = 16
/** Of Ed25519. */
const publicKeyBytes = 32
const signatureBytes = 64
/** Of the hash of an answer. */
export const saltBytes = 16

type Sender = 'scout' | 'hub' | 'both'

interface FrameRow {
  code: number
  from: Sender
  /** Data frames (answers under way) have their own rate allowance; all others are control frames. */
  data?: true
  fields: Record<string, Field<unknown>>
}

const task = count()
const attempt = count(attemptNumberMax)
const nonce = bytesExactly(nonceBytes)
const durationMs = count(durationMsMax)
const price = orNull(count())
const offers = listWith(
  offersMax,
  [oneOf(taskKinds), name(modelCharsMax), name(nameCharsMax), count(), count(255), price, price, text(aboutCharsMax)],
  // The largest request in bytes; a scout that names none takes `bodyBytesMax`.
  [count()],
)

/** Settlements that arrived: [task, attempt, verdict]. */
const acks = listOf(concurrencyMax, task, attempt, oneOf(verdicts))

/** `size` is the whole body's length; `body` is null when the body follows as fragments. */
const size = count(bodyBytesMax)
const requestSize = count(requestBodyBytesMax)
const body = orNull(bytes(inlineBodyBytesMax))

export const frameTable = {
  // ------------------------------------------------------------ scout to hub
  /** First frame of a session: the scout's identity, its offers, and the leases it still holds from before. */
  hello: {
    code: 1,
    from: 'scout',
    fields: {
      version: count(255),
      /** The operator's name for this scout; with the key it is the durable identity. */
      name: name(nameCharsMax),
      /** Random per process: the same instance dialing again supersedes its older socket, another one coexists. */
      instance: name(nameCharsMax),
      /** Software and version, for people. */
      agent: text(nameCharsMax),
      concurrency: count(concurrencyMax),
      /**
       * [kind, model, provider, context tokens or 0, abilities, price of the prompt and of the answer, about, largest
       * request]
       */
      offers,
      /** [task, attempt, nonce] of every lease still held. */
      held: listOf(concurrencyMax, task, attempt, nonce),
      /** Of the key with which this scout signs what it answers; null or absent from one that does not. */
      publicKey: added(orNull(bytesExactly(publicKeyBytes))),
    },
  },
  /**
   * Grants the hub `count` more tasks. Credits add up, are capped by the concurrency and start at 0 in every session.
   */
  credit: { code: 2, from: 'scout', fields: { count: count(concurrencyMax) } },
  /**
   * The provider was asked: a sign of life of an attempt that sends nothing else for a while, and the name of the
   * provider when it is not the one of the offer.
   */
  started: { code: 3, from: 'scout', fields: { task, attempt, provider: name(nameCharsMax) } },
  /**
   * A piece of a streamed answer: one or more lines, each a JSON object with what changed, ended by a newline.
   * `seq` counts frames from 0 without gaps, `offset` is the sum of the body bytes before this one.
   */
  chunk: { code: 4, from: 'scout', data: true, fields: { task, attempt, seq: count(), offset: count(), size, body } },
  /**
   * The attempt's end. Kept and sent again after a reconnect until `settled` answers it. `chunks` is how many were
   * sent; `credits` are granted along with it, so that the next task needs no frame of its own.
   */
  settle: {
    code: 5,
    from: 'scout',
    fields: {
      task,
      attempt,
      nonce,
      outcome: oneOf(outcomes),
      chunks: count(),
      /** The provider that was asked last; empty when none was. */
      provider: text(nameCharsMax),
      credits: count(concurrencyMax),
      fault: text(nameCharsMax),
      message: text(faultMessageCharsMax),
      /** The request's field at fault, as `messages[0].role`; empty when none is. */
      param: text(nameCharsMax),
      retryAfterMs: durationMs,
      size,
      body,
      /** Over what was answered, see section 7; null or absent when it is not signed. */
      signature: added(orNull(bytesExactly(signatureBytes))),
    },
  },
  /** Answers a ping from inside the scout's work loop. `running` is the number of tasks under way. */
  pong: { code: 7, from: 'scout', fields: { ping: count(), running: count(concurrencyMax) } },
  /** The scout is leaving: grant nothing more; what runs is finished or released. */
  drain: { code: 8, from: 'scout', fields: { reason: text(faultMessageCharsMax) } },
  /** What the scout can do has changed: replaces the hello's offers and concurrency. */
  offers: { code: 9, from: 'scout', fields: { concurrency: count(concurrencyMax), offers } },

  // ------------------------------------------------------------ both ways
  /** The next piece of the body of the last task, chunk or settle frame of this attempt that carried `body: null`. */
  fragment: {
    code: 32,
    from: 'both',
    data: true,
    fields: { task, attempt, index: count(), bytes: bytes(fragmentBytes) },
  },

  // ------------------------------------------------------------ hub to scout
  /** Answers the hello: the session's terms, and a verdict on every lease it presented. */
  welcome: {
    code: 65,
    from: 'hub',
    fields: {
      version: count(255),
      /** Grows by one with each start of the hub. */
      epoch: count(),
      /** The durable identity under which the hub keeps this scout's record. */
      scout: text(2 * nameCharsMax),
      heartbeatMs: durationMs,
      silenceMs: durationMs,
      leaseTtlMs: durationMs,
      /** Most credits the hub will hold for this scout. */
      creditMax: count(concurrencyMax),
      /** [task, attempt, verdict, next chunk expected]; `resumed` asks for the chunks from there on. */
      held: listOf(concurrencyMax, task, attempt, oneOf(heldVerdicts), count()),
      /** [address] of the other hubs of this network, in the order in which to dial them when this one stays away. */
      hubs: added(listOf(welcomeHubsMax, name(hubUrlCharsMax))),
    },
  },
  /** A lease: do this. Consumes one credit. `deadlineMs` counts from receipt. `body` is the request, as JSON. */
  task: {
    code: 66,
    from: 'hub',
    fields: {
      task,
      attempt,
      nonce,
      kind: oneOf(taskKinds),
      /** The model to use, whatever the body names. */
      model: name(modelCharsMax),
      stream: flag,
      ttlMs: durationMs,
      deadlineMs: durationMs,
      acks,
      size: requestSize,
      body,
      /** Of the answer's hash, for a scout that signs it; null or absent for others. */
      salt: added(orNull(bytesExactly(saltBytes))),
    },
  },
  /** Stop this attempt; answered by settle `cancelled` (or by whatever settlement won the race). */
  cancel: { code: 67, from: 'hub', fields: { task, attempt, reason: text(nameCharsMax) } },
  /**
   * Settlements arrived: each is `committed`, or `stale` because the lease had moved on. Terminal either way. Sent when
   * many wait or the scout leaves; otherwise they ride in the next task, at the latest in the next ping.
   */
  settled: { code: 68, from: 'hub', fields: { acks } },
  ping: { code: 69, from: 'hub', fields: { ping: count(), acks } },
  /**
   * The hub is leaving: finish what you have, send no credits, come back after the close with a delay in `windowMs`.
   */
  hubDrain: { code: 70, from: 'hub', fields: { windowMs: durationMs, reason: text(faultMessageCharsMax) } },
  /** The client reads slowly: stop or go on reading from the provider for this attempt. */
  flow: { code: 71, from: 'hub', fields: { task, attempt, paused: flag } },
  /**
   * The scout's standing with the hub, and why it gets the work it gets. The counts are of the last hour: how often it
   * was considered for a task, got it, and lost it on latency, price, capacity or trust.
   */
  standing: {
    code: 72,
    from: 'hub',
    fields: {
      considered: count(),
      won: count(),
      lostLatency: count(),
      lostPrice: count(),
      lostCapacity: count(),
      lostTrust: count(),
      done: count(),
      failed: count(),
      /** Share of charged attempts that failed, lately, in thousandths. */
      failurePermille: count(1_000),
      /** Tasks at once the hub trusts this scout with. */
      window: count(concurrencyMax),
      /** [model, milliseconds until the hub asks for it again]: paused by a provider's rate limit. */
      paused: listOf(offersMax, name(modelCharsMax), durationMs),
      /** Points of the present season, and those that wait in escrow; null or absent from a hub that shows none. */
      earned: added(orNull(count())),
      waiting: added(orNull(count())),
      /** Why tasks of today earned nothing, in one sentence; null or absent where none did. */
      unpaid: added(orNull(text(unpaidCharsMax))),
      /** How its answers compare with others', and what follows; empty or absent from a hub that does not audit. */
      trust: added(text(trustNoteCharsMax)),
      /** Of `waiting`, the points of scouts that are not trusted with their model; null or absent where nobody says. */
      untrusted: added(orNull(count())),
      /** Whether its receipts are countersigned, in words; empty or absent for a scout that does not sign. */
      signing: added(text(signingNoteCharsMax)),
    },
  },
} as const satisfies Record<string, FrameRow>

export type FrameType = keyof typeof frameTable

type ValueOf<One> = One extends Field<infer T> ? T : never
type Values<Fields> = {
  -readonly [Name in keyof Fields as undefined extends ValueOf<Fields[Name]> ? never : Name]: ValueOf<Fields[Name]>
} & {
  -readonly [Name in keyof Fields as undefined extends ValueOf<Fields[Name]> ? Name : never]?: ValueOf<Fields[Name]>
}

/** The decoded form of one frame: its fields by name. */
export type FrameOf<Type extends FrameType> = { type: Type } & Values<(typeof frameTable)[Type]['fields']>

export type Frame = { [Type in FrameType]: FrameOf<Type> }[FrameType]

type SentBy<S extends Sender> = {
  [Type in FrameType]: (typeof frameTable)[Type]['from'] extends S | 'both' ? Type : never
}[FrameType]

export type ScoutFrame = { [Type in SentBy<'scout'>]: FrameOf<Type> }[SentBy<'scout'>]
export type HubFrame = { [Type in SentBy<'hub'>]: FrameOf<Type> }[SentBy<'hub'>]

/** A duration as every frame carries it: whole, from 0 to `durationMsMax`. What is no number counts as 0. */
export function durationOnWire(ms: number): number {
  return ms > 0 ? Math.min(durationMsMax, Math.ceil(ms)) : 0
}
