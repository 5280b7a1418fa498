/**
 * What memory holds of each scout with a model beside its record: the texts it sent last, who judged it, its signals.
 * All of it may be lost with the process: it only makes audits a little more or less likely.
 */
import { isPeerOperator, operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { Judges } from '../audits/references.ts'
import { RepeatRing } from '../checks/repeats.ts'
import { isSignal, signalFactor, signalTasks } from '../checks/signals.ts'
import { auditShare, type TrustRecord } from '../standing/record.ts'
import { passesNeeded } from '../standing/weights.ts'
import type { TrustBook } from './trust-book.ts'

export interface Seat {
  record: TrustRecord
  /** It stands for another hub. */
  isPeer: boolean
  ring: RepeatRing | null
  judges: Judges | null
  /** Tasks for which the last signal counts. */
  signalled: number
  provider: string
  /** Of its newest task. */
  kind: TaskKind
  /** When it is checked next for being doubted. */
  checkMs: number
}

export class Seats {
  /** By scout: the one it has, or those it has by model. Of thousands most have one, and a map is more than that. */
  private readonly seats = new Map<string, Seat | Map<string, Seat>>()

  constructor(private readonly book: TrustBook) {}

  of(scout: string, model: string): Seat | undefined {
    const known = this.seats.get(scout)
    if (known === undefined) return this.make(scout, model)
    if (known instanceof Map) return known.get(model) ?? this.make(scout, model)
    return known.record.model === model ? known : this.make(scout, model)
  }

  private make(scout: string, model: string): Seat | undefined {
    const record = this.book.of(scout, model, operatorOf(scout))
    if (record === undefined) return undefined
    const isPeer = isPeerOperator(record.owner)
    const seat: Seat = {
      record,
      isPeer,
      ring: null,
      judges: null,
      signalled: 0,
      provider: '',
      kind: 'chat',
      checkMs: 0,
    }
    const known = this.seats.get(scout)
    if (known instanceof Map) known.set(model, seat)
    else if (known === undefined) this.seats.set(scout, seat)
    else this.seats.set(scout, new Map([known, seat].map((one) => [one.record.model, one])))
    return seat
  }
}

/** The share of this scout's tasks that is audited now. */
export function shareOf(seat: Seat): number {
  return Math.min(1, auditShare(seat.record) * (seat.signalled > 0 ? signalFactor : 1))
}

/** Whether each of its texts is looked at. */
export function isUnproven({ record: { state, passed } }: Seat): boolean {
  return state === 'watched' || state === 'confirming' || (state !== 'convicted' && passed < passesNeeded)
}

/** Written when it is another one: each write of a reference has the collector look at the seat again. */
export function noteKind(seat: Seat, kind: TaskKind): void {
  if (seat.kind !== kind) seat.kind = kind
}

export function noteSignals(seat: Seat, provider: string, reportedTokens: number, answerBytes: number): void {
  const observed = { reportedTokens, answerBytes, provider, providerBefore: seat.provider }
  seat.signalled = isSignal(observed) ? signalTasks : Math.max(0, seat.signalled - 1)
  if (seat.provider !== provider) seat.provider = provider
}

export function ringOf(seat: Seat): RepeatRing {
  seat.ring ??= new RepeatRing()
  return seat.ring
}

export function judgesOf(seat: Seat): Judges {
  seat.judges ??= new Judges()
  return seat.judges
}
