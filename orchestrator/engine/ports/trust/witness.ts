/**
 * What the engine tells whoever judges scouts by their answers, and what that one asks of the engine. Nothing of it is
 * on the wire: a scout cannot see whether its answer is looked at, nor for whom it works.
 */
import type { TrustState } from '../../../../shared/scouts/trust-words.ts'
import type { Served, TaskKind } from '../../../../shared/task.ts'
import type { TrustView } from '../../../ledger/accounts/trust-port.ts'
import type { Answer, Submission } from '../client.ts'
import type { TrustFilter, TrustReport } from './trust-report.ts'

/** The tenant of requests that the hub makes to check answers; no key has it, for it has a colon. */
export const auditTenant = 'chasm:audit'

/**
 * Whether answers are audited; `observe` shows what is found, and lets nothing follow but what doubt weighs in
 * placement.
 */
export const trustModes = ['off', 'observe', 'enforce'] as const
export type TrustMode = (typeof trustModes)[number]

/** What is wanted of an attempt: nothing, the text of its answer, or that with an audit to follow. */
export type Interest = 'none' | 'text' | 'audit'

/** What who judges answers says of an attempt as it begins, or as it is granted to who carries its answer elsewhere. */
export interface GrantNote {
  interest: Interest
  /** How its scout stands with the model; null where others judge it. */
  state: TrustState | null
  /** What is to come back with the answer. Absent in notes that went to another process. */
  seat?: WitnessSeat | undefined
}

/**
 * What whoever judges remembers of a scout with a model. Nobody else looks into it; it comes back with the answer, so
 * that it is looked up once for each task, among thousands.
 */
export type WitnessSeat = object

/** A task whose attempt begins. */
export interface WatchedTask {
  readonly tenant: string
  readonly kind: TaskKind
  readonly requestBytes: number
  /** Which attempt it is, from 1. */
  readonly attempts: number
  /** The client chose among scouts. */
  readonly isDirected: boolean
  /** It may be asked again of other scouts. */
  readonly isShown: boolean
}

/** An answer that was committed, and was of interest. Nothing of it is shared with anybody. */
export interface WitnessedAnswer {
  interest: Interest
  tenant: string
  kind: TaskKind
  served: Served
  stream: boolean
  isDirected: boolean
  request: Uint8Array
  /** As the client set it, milliseconds. */
  deadlineMs: number
  /** Of a stream: its lines, up to a bound. */
  lines: readonly Uint8Array[]
  body: Uint8Array
  /** Where between its quotes the one text of `body` stands that says all; `textEnd` 0 or absent where it is not so. */
  textStart?: number
  textEnd?: number
  /** As it came with the note. */
  seat?: WitnessSeat | undefined
}

/** Who is shown answers. */
export interface AnswerObserver {
  /** Asked of each attempt as it begins. */
  note(served: Served, task: WatchedTask): GrantNote
  /** Each committed answer; tokens are the provider's count, 0 without one. */
  settled(served: Served, tokens: number, answerBytes: number, seat?: WitnessSeat): void
  /** Those of interest, after that. */
  answered(answer: WitnessedAnswer): void
}

/** What a process that carries answers has to show to an observer in another one. */
export type SeenAnswer =
  | { type: 'answerSettled'; served: Served; tokens: number; answerBytes: number }
  | { type: 'answerKept'; answer: WitnessedAnswer }

export interface AnswerWitness extends AnswerObserver {
  /** What was found out, for whoever counts points; null where nothing follows from it. */
  readonly findings: TrustView | null
  /** What was found out. */
  report(of: TrustFilter): TrustReport
  /** What this scout is told: states in words, and no figures. Null when nothing is known of it. */
  noteOf(scout: string): string | null
  /** The engine stops: what is to be kept can be written now. */
  stop(): void
}

/** An idle scout that offers a model. */
export interface IdleScout {
  scout: string
  operator: string
  provider: string
}

/** What trust in a scout with a model weighs from now on. */
export interface TrustNews {
  scout: string
  model: string
  state: TrustState
  trustMs: number
  isConvicted: boolean
  /** Its probation is over. Never where convictions are only shown: there nobody is limited for being new. */
  isProven: boolean
}

/** The engine as whoever audits knows it. */
export interface AuditedEngine {
  submit(submission: Submission): Answer
  /** At most so many, drawn at random; some may be missing. */
  idleScouts(kind: TaskKind, model: string, count: number): IdleScout[]
  /** Whether a session of this scout is connected. */
  isConnected(scout: string): boolean
  markTrust(news: TrustNews): void
  /** Owners that offer this model now. */
  ownersOf(kind: TaskKind, model: string): number
}
