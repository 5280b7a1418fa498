/**
 * The trust desk of a simulated hub: the production desk over its engine and its disk, with days as short as the life
 * has them. What it asks of the engine and is told by it passes the checker. A hub of a life without trust has none.
 */
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Submission } from '../../../orchestrator/engine/ports/client.ts'
import type { Store, StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import type { AuditedEngine, TrustNews } from '../../../orchestrator/engine/ports/trust/witness.ts'
import { defaultTrustSettings } from '../../../orchestrator/trust/desk/parts.ts'
import { TrustDesk } from '../../../orchestrator/trust/trust-desk.ts'
import type { Timer } from '../../../shared/system.ts'
import type { TrustChecks } from '../checks/trust/trust-checks.ts'
import type { Process } from '../world.ts'
import { appellants } from './appellants.ts'
import { auditDelay, hastened, type TrustLife } from './trust-life.ts'

export class HubTrust {
  private desk: TrustDesk | null = null
  private appeals: Timer | null = null
  /** Nothing is audited any more. */
  private isOver = false

  constructor(
    private readonly life: TrustLife | null,
    private readonly checks: TrustChecks,
  ) {}

  /** With each start of the hub. */
  open(engine: HubEngine, process: Process, store: Store): void {
    const { life, checks } = this
    if (life === null || this.isOver) return
    const system = hastened(process, life.haste)
    checks.starts(engine, system)
    const { journal } = engine
    const keep = (write: StoreWrite, then?: () => void) =>
      then === undefined ? journal.lazily(write) : journal.addHere([write], then)
    const { isEnforced, auditsPerDayMin, moneyPerDay: perDay } = life
    const money = perDay === null ? null : { perDay, costOf: (_model: string, prompt: number) => prompt }
    const settings = { ...defaultTrustSettings, isEnforced, auditsPerDayMin, money, delay: auditDelay }
    const desk = new TrustDesk({ system, engine: this.tapped(engine), store, keep, settings })
    const settled = desk.settled.bind(desk)
    desk.settled = (...facts) => {
      checks.budget.settled(system.wallMs())
      settled(...facts)
    }
    this.desk = desk
    checks.opened(desk)
    engine.watchedBy(desk)
    desk.start()
    const { records } = checks
    this.appeals = appellants({ system, engine, store, book: desk.book, isEnforced, records, dice: life.appeals })
  }

  /** What is under way ends, and nothing more is asked. */
  end(isUp: boolean): void {
    this.isOver = true
    if (!isUp) return
    this.desk?.stop()
    this.appeals?.cancel()
    this.checks.stopped()
  }

  private tapped(engine: HubEngine): AuditedEngine {
    const { checks } = this
    return {
      submit: (submission: Submission) => {
        const answer = engine.submit(submission)
        checks.asked(submission, Number.parseInt(answer.id.slice(answer.id.indexOf('-') + 1), 36))
        return answer
      },
      idleScouts: (kind, model, count) => engine.idleScouts(kind, model, count),
      isConnected: (scout) => engine.isConnected(scout),
      ownersOf: (kind, model) => engine.ownersOf(kind, model),
      markTrust: (news: TrustNews) => {
        checks.records.told(news)
        engine.markTrust(news)
      },
    }
  }
}
