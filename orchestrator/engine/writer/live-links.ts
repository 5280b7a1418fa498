/**
 * The way to the scouts for as long as the engine is alive. After a defect nothing may leave it any more, whichever
 * part still runs in that turn: the desks, a reader that takes lines, a report that is due. The engine gives this to
 * its parts in place of the gateway's links.
 */
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import type { Verdict } from '../../../shared/task.ts'
import type { ScoutLinks, Standing, TaskGrant, Welcome } from '../ports/scouts.ts'
import type { DefectGuard } from './defect-guard.ts'

export class LiveLinks implements ScoutLinks {
  constructor(
    private readonly links: ScoutLinks,
    private readonly guard: DefectGuard,
  ) {}

  /** True also when nothing is sent for a defect: nobody is there to take the task back. */
  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    return this.guard.isDead || this.links.task(session, grant, request)
  }

  cancel(session: number, task: number, attempt: number, reason: string): void {
    if (!this.guard.isDead) this.links.cancel(session, task, attempt, reason)
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    if (!this.guard.isDead) this.links.flow(session, task, attempt, paused)
  }

  settled(session: number, task: number, attempt: number, verdict: Verdict): void {
    if (!this.guard.isDead) this.links.settled(session, task, attempt, verdict)
  }

  welcome(session: number, welcome: Welcome): void {
    if (!this.guard.isDead) this.links.welcome(session, welcome)
  }

  standing(session: number, standing: Standing): void {
    if (!this.guard.isDead) this.links.standing(session, standing)
  }

  close(session: number, why: CloseName, detail?: string): void {
    if (!this.guard.isDead) this.links.close(session, why, detail)
  }
}
