/**
 * What is checked where a life has trust: what scouts are sent of audits, how many there are, and what becomes of their
 * records. Knows every scout's voice, so that clients know which answer is the right one. Invariants 43 to 52, 59, 62.
 */
import type { HubEngine } from '../../../../orchestrator/engine/engine.ts'
import type { Submission } from '../../../../orchestrator/engine/ports/client.ts'
import type { TrustDesk } from '../../../../orchestrator/trust/trust-desk.ts'
import type { FrameOf } from '../../../../shared/protocol/frames.ts'
import type { System } from '../../../../shared/system.ts'
import type { Served } from '../../../../shared/task.ts'
import type { KnownAnswer } from '../../answers.ts'
import { isCheat, type TrustLife } from '../../trust/trust-life.ts'
import { honestAnswer, type Voice, voiced } from '../../trust/voices.ts'
import type { SessionBook } from '../ledger.ts'
import { AuditBudgets } from './audit-budgets.ts'
import { AuditFrames } from './audit-frames.ts'
import { NewcomerChecks } from './newcomers.ts'
import { Records } from './records.ts'

export class TrustChecks {
  readonly budget: AuditBudgets
  readonly records: Records
  private readonly frames: AuditFrames
  private readonly newcomers: NewcomerChecks
  private readonly voices = new Map<string, { voice: Voice; name: string }>()
  private engine: HubEngine | null = null

  constructor(
    private readonly life: TrustLife | null,
    readonly fail: (invariant: number, what: string) => void,
  ) {
    const honest = new Set<string>()
    for (const { name, owner, voice } of life?.scouts ?? []) {
      this.voices.set(`${owner}/${name}`, { voice, name })
      if (!isCheat(voice)) honest.add(`${owner}/${name}`)
    }
    this.budget = new AuditBudgets(life?.auditsPerDayMin ?? 0, life?.moneyPerDay ?? null, fail)
    this.records = new Records(honest, life?.isEnforced ?? false, fail)
    this.frames = new AuditFrames(this.records, fail)
    this.newcomers = new NewcomerChecks(life?.isEnforced ?? false, fail, (what) => this.records.count(what))
  }

  /** The right answer of whoever served this request. */
  answerOf(served: Served | null, body: Uint8Array): KnownAnswer {
    const known = served === null ? undefined : this.voices.get(served.scout)
    return known === undefined ? honestAnswer(body) : voiced(known.voice, known.name, body)
  }

  // ------------------------------------------------------------ the desk's life

  /** A hub starts, and its desk is about to be made. */
  starts(engine: HubEngine, system: System): void {
    this.engine = engine
    this.records.starts(engine, system)
  }

  opened(desk: TrustDesk): void {
    this.records.opened(desk.book)
  }

  /** It writes what is to be kept. */
  stopped(): void {
    this.records.stopped()
  }

  hubDies(): void {
    this.engine = null
    this.records.hubDies()
    this.newcomers.hubDies()
  }

  /** After every event of the world. */
  look(): void {
    if (this.life === null || this.engine === null) return
    this.records.look()
    this.newcomers.look(this.engine)
  }

  // ------------------------------------------------------------ audits

  asked(submission: Submission, task: number): void {
    this.records.count('audit')
    this.budget.asked(task, this.records.nowMs())
    this.frames.asked(submission, task)
  }

  /** A scout has settled something. */
  worked(session: SessionBook | undefined): void {
    if (session !== undefined) this.records.worked(session.scout)
  }

  /** A task goes out to a scout. */
  sent(session: SessionBook, frame: FrameOf<'task'>, body: Uint8Array): void {
    if (this.life === null || this.engine === null) return
    this.budget.given(frame.task, body.length)
    if (frame.kind === 'chat') this.frames.sent(session.scout, frame, body, this.engine)
  }
}
