/**
 * What the parts of the trust desk share: the world, the engine, the store, and how it is set.
 */
import { auditsPerDayMin, trustTickMs } from '../../../shared/limits/trust/audits.ts'
import type { System } from '../../../shared/system.ts'
import type { TrustStore, TrustWrite } from '../../engine/ports/trust/trust-store.ts'
import type { AuditedEngine, WitnessedAnswer } from '../../engine/ports/trust/witness.ts'
import type { DelayRange } from '../audits/pending.ts'
import type { Bound } from '../standing/spending.ts'

export interface TrustSettings {
  /** Whether convictions are; else they are shown. */
  isEnforced: boolean
  /** Between an answer and its audit. */
  delay: DelayRange
  tickMs: number
  /** So many audits a day there may be, however few tasks are settled. */
  auditsPerDayMin: number
  /** What audits may cost in 24 hours; null for no bound. */
  money: Bound | null
}

export const defaultTrustSettings: TrustSettings = {
  isEnforced: false,
  delay: { minMs: 60_000, maxMs: 3_600_000 },
  tickMs: trustTickMs,
  auditsPerDayMin,
  money: null,
}

/** Whether the hub has stopped. */
export interface Life {
  isOver: boolean
}

/** An answer that can be asked for again. */
export interface Sample {
  answer: WitnessedAnswer
  answeredMs: number
  /** Owners whose scouts were given it: nobody gets it twice, or it would know the second one as an audit. */
  seenBy: Set<string>
  /** An audit asks for it now. */
  isTaken: boolean
  /** Others may have been given it as well: nobody is asked any more. */
  isSpent: boolean
}

export interface TrustParts {
  system: System
  engine: AuditedEngine
  store: TrustStore
  /** Commits it some time soon, and then calls `then`; a crash before that may forget it. */
  keep: (write: TrustWrite, then?: () => void) => void
  settings: TrustSettings
}
