/**
 * Appeals against convictions: the owner of a scout may ask once for fresh checks, as many as a confirmation takes.
 * What they show is booked like any check; here is who may ask, and that the store knows of it first.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { System } from '../../../shared/system.ts'
import type { AppealAsked, Appeals } from '../../engine/ports/trust/appeals.ts'
import type { ScoutTrust } from '../../engine/ports/trust/trust-report.ts'
import type { TrustWrite } from '../../engine/ports/trust/trust-store.ts'
import { appeal, type TrustRecord } from '../standing/record.ts'
import { scoutsOf } from './report.ts'
import { rowOf, type TrustBook } from './trust-book.ts'

const unknown = fault('not_found', 'Nothing is known of such a scout, or it is not yours: GET /v1/me/trust.', {
  param: 'id',
})
const notConvicted = fault('mismatch', 'This scout is not convicted, so there is nothing to appeal against.')
const several = fault('invalid_request', 'This scout is convicted for several models: name one of them in `model`.', {
  param: 'model',
})
const appealed = fault('appeal_exists', 'This conviction was appealed once, and that is all there is until it ends.')

interface AppealParts {
  system: System
  book: TrustBook
  /** Commits it, or says why not. */
  promise: (write: TrustWrite) => Promise<Fault | null>
  /** Commits it, however long that takes. */
  commit: (write: TrustWrite) => Promise<void>
  isEnforced: boolean
}

export class AppealDesk implements Appeals {
  constructor(private readonly parts: AppealParts) {}

  async appeal(asked: AppealAsked): Promise<ScoutTrust | Fault> {
    const { book, promise, commit } = this.parts
    const record = this.meant(asked)
    if ('code' in record) return record
    const refused = refusalOf(record)
    if (refused !== null) return refused
    const atMs = Math.floor(this.parts.system.wallMs())
    const heard = { ...record }
    appeal(heard, atMs)
    const trouble = await promise({ write: 'trust', row: rowOf(heard, atMs) })
    if (trouble !== null) return trouble
    // Its time may have ended meanwhile, or the same was asked twice at once: then memory is written again.
    const lost = refusalOf(record)
    if (lost !== null) return lost
    book.appeal(record, atMs)
    // An older row that nobody waited for may have gone into the store behind the first one.
    await commit({ write: 'trust', row: rowOf(record, atMs) })
    return this.shown(record)
  }

  /** Of somebody else is as one of whom nothing is known. */
  private meant({ scout, model, owner }: AppealAsked): TrustRecord | Fault {
    const own = [...this.parts.book.ofScout(scout)].filter((record) => record.owner === owner)
    const named = model === null ? own : own.filter((record) => record.model === model)
    if (named.length === 0) return unknown
    const convicted = named.filter(({ state }) => state === 'convicted')
    if (convicted.length > 1) return several
    return convicted[0] ?? notConvicted
  }

  private shown({ scout, model, owner }: TrustRecord): ScoutTrust {
    const { book, isEnforced, system } = this.parts
    return scoutsOf(book, { owner, scout }, isEnforced, system.wallMs()).scouts.find((one) => one.model === model)!
  }
}

function refusalOf({ state, appeal: asked }: TrustRecord): Fault | null {
  if (state !== 'convicted') return notConvicted
  return asked === undefined ? null : appealed
}
