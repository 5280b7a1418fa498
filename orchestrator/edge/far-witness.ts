/**
 * Answers that this edge carries, for whoever judges scouts, who works beside the brain. What is wanted of an attempt
 * comes with its grant; the brain learns of each answer that was committed, and gets the texts of those that were
 * wanted. These have bounds: what finds no room is not looked at, which only means one check less.
 */
import { ByteAccount } from '../../shared/byte-account.ts'
import { bytesOf } from '../../shared/json/byte-part.ts'
import {
  handedBytesMax,
  handedBytesPerOperatorMax,
  handedBytesPerSecondMax,
  handedWindowMs,
} from '../../shared/limits/trust/audits.ts'
import { operatorOf } from '../../shared/scouts/scout-id.ts'
import type { System } from '../../shared/system.ts'
import type { Served } from '../../shared/task.ts'
import type { AnswerObserver, GrantNote, SeenAnswer, WitnessedAnswer } from '../engine/ports/trust/witness.ts'

export class FarWitness implements AnswerObserver {
  /** Of this second. */
  private handed = new ByteAccount(handedBytesPerSecondMax, handedBytesPerOperatorMax)
  private sinceMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly system: Pick<System, 'nowMs'>,
    private readonly tell: (seen: SeenAnswer) => void,
  ) {}

  /** Of an attempt whose grant says nothing. */
  note(): GrantNote {
    return { interest: 'none', state: null }
  }

  settled({ scout, model, provider }: Served, tokens: number, answerBytes: number): void {
    this.tell({ type: 'answerSettled', served: { scout, model, provider }, tokens, answerBytes })
  }

  answered(answer: WitnessedAnswer): void {
    if (this.hasRoom(answer)) this.tell({ type: 'answerKept', answer })
  }

  private hasRoom({ request, lines, body, served }: WitnessedAnswer): boolean {
    const bytes = request.length + bytesOf(lines) + body.length
    if (bytes > handedBytesMax) return false
    const nowMs = this.system.nowMs()
    if (nowMs - this.sinceMs >= handedWindowMs) {
      this.handed = new ByteAccount(handedBytesPerSecondMax, handedBytesPerOperatorMax)
      this.sinceMs = nowMs
    }
    return this.handed.take(operatorOf(served.scout), bytes) === null
  }
}
