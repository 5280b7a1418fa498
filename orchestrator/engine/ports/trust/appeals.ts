/**
 * Appeals against convictions as the client edge sees them: whoever runs a scout may ask once, for each conviction, for
 * checks that decide anew.
 */
import type { Fault } from '../../../../shared/faults.ts'
import type { ScoutTrust } from './trust-report.ts'

export interface AppealAsked {
  /** Its id. */
  scout: string
  /** Null for the one model that it is convicted for. */
  model: string | null
  /** Who asks. */
  owner: string
}

export interface Appeals {
  /** Resolves after the commit, with how the scout stands. */
  appeal(asked: AppealAsked): Promise<ScoutTrust | Fault>
}
