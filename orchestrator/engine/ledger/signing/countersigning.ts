/**
 * Checks what scouts have signed, a few signatures in each turn of the lane, so that no turn of the brain waits for
 * one. Receipts that wait for it are the writer's. One that is not right costs nothing but itself: its receipt stays
 * uncountersigned, and it is counted. Whoever signs too much at once is checked as far as there is room.
 */
import { type SignedAnswer, signedBytes } from '../../../../shared/answers/answer-hash.ts'
import { countersignaturesPerTurn, countersignaturesWaitingMax } from '../../../../shared/limits/ledger/ledger.ts'
import type { TurnLane } from '../../../../shared/turn-lane.ts'
import type { Receipt } from '../../../ledger/receipts/receipt.ts'
import type { Signed } from '../../ports/ledger/work.ts'
import type { SigningKeys } from './signing-keys.ts'

interface CountersigningParts {
  keys: Pick<SigningKeys, 'checkOf' | 'proved'>
  lane: Pick<TurnLane, 'add'>
  /** Runs work of a later turn: an error in it is a defect. */
  contain: (work: () => void) => void
}

interface Waiting {
  receipt: Receipt
  signed: Signed
  /** Called once; null when the receipt stays as it is. */
  over: (countersignature: Uint8Array | null) => void
}

/** What became of signatures: right, wrong, of a scout without a key here, and not checked for want of room or time. */
export type SignatureOutcome = 'good' | 'bad' | 'unknown' | 'unchecked'

export class Countersigning {
  private waiting: Waiting[] = []
  private isAtWork = false
  readonly outcomes: Record<SignatureOutcome, number> = { good: 0, bad: 0, unknown: 0, unchecked: 0 }

  constructor(private readonly parts: CountersigningParts) {}

  /** False when it is not looked at: there is no room. */
  add(receipt: Receipt, signed: Signed, over: Waiting['over']): boolean {
    if (this.waiting.length >= countersignaturesWaitingMax) {
      this.outcomes.unchecked++
      return false
    }
    this.waiting.push({ receipt, signed, over })
    if (this.isAtWork) return true
    this.isAtWork = true
    this.parts.lane.add(() => this.step())
    return true
  }

  /** Whether receipts wait for a check. */
  get isChecking(): boolean {
    return this.waiting.length > 0
  }

  private step(): boolean {
    this.parts.contain(() => {
      for (const one of this.waiting.splice(0, countersignaturesPerTurn)) one.over(this.check(one))
    })
    this.isAtWork = this.waiting.length > 0
    return !this.isAtWork
  }

  private check({ receipt, signed }: Waiting): Uint8Array | null {
    const { outcomes } = this
    const { task, attempt, scout, answerHash } = receipt
    const { nonce, signature } = signed
    const { keys } = this.parts
    const check = keys.checkOf(scout)
    if (check === null) {
      outcomes.unknown++
      return null
    }
    const answer: SignedAnswer = { task, attempt, nonce, answerHash }
    if (!check.verifies(signedBytes(answer), signature)) {
      outcomes.bad++
      return null
    }
    if (!keys.proved(scout)) {
      outcomes.unchecked++
      return null
    }
    outcomes.good++
    return Buffer.concat([nonce, signature])
  }

  /** Nothing more is waited for: something is sealed that comes behind these receipts, or the process ends. */
  giveUp(): void {
    for (const { over } of this.waiting.splice(0)) {
      this.outcomes.unchecked++
      over(null)
    }
  }
}
