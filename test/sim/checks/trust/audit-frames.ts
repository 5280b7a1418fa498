/**
 * What scouts are sent of audits, from frames alone: nobody answers what its own owner was given (43), who is doubted
 * or convicted is nobody's reference (45), an audit looks like a client's request (46), and whoever is convicted gets
 * no client's request while others offer the model (47).
 */
import type { HubEngine } from '../../../../orchestrator/engine/engine.ts'
import type { Submission } from '../../../../orchestrator/engine/ports/client.ts'
import { auditTenant } from '../../../../orchestrator/engine/ports/trust/witness.ts'
import type { FrameOf } from '../../../../shared/protocol/frames.ts'
import { solved } from '../../../support/trust/word-problems.ts'
import { isSpoken, questionIn } from '../../trust/voices.ts'
import type { Records } from './records.ts'

/** One request, whoever was asked. */
interface Given {
  body: Uint8Array
  /** The task with which each owner got it. */
  owners: Map<string, number>
}

type Fail = (invariant: number, what: string) => void

export class AuditFrames {
  /** Tasks of audits. */
  private readonly audits = new Set<number>()
  /** By what is asked, which no two clients share. */
  private readonly given = new Map<string, Given>()

  constructor(
    private readonly records: Records,
    private readonly fail: Fail,
  ) {}

  asked({ tenant, routing, model, priority }: Submission, task: number): void {
    this.audits.add(task)
    if (tenant !== auditTenant) this.fail(46, `audit ${task} is asked for by ${tenant}`)
    if (priority !== 0) this.fail(46, `audit ${task} has the priority of what clients wait for`)
    const only = routing?.only ?? []
    if (only.length === 0) this.fail(45, `audit ${task} may be answered by anybody`)
    for (const scout of only) {
      const state = this.records.stateOf(scout, model)
      const isDoubted = state === 'watched' || state === 'confirming' || this.records.isAppealed(scout, model)
      if ((state === 'convicted' && !isDoubted) || (isDoubted && only.length > 1))
        this.fail(45, `${scout} is ${state} and may answer audit ${task}`)
    }
  }

  sent(scout: string, frame: FrameOf<'task'>, body: Uint8Array, engine: HubEngine): void {
    const isAudit = this.audits.has(frame.task)
    if (isAudit) this.checkForm(frame, body)
    else this.checkConvicted(scout, frame, engine)
    const question = isSpoken(body) ? questionIn(body) : Buffer.from(body).toString('latin1')
    const owner = scout.slice(0, scout.indexOf('/'))
    const known = this.given.get(question) ?? { body, owners: new Map<string, number>() }
    if (isAudit && solved(question) === null) this.checkShadow(known, frame.task, body)
    const before = known.owners.get(owner)
    if (isAudit && before !== undefined && before !== frame.task)
      this.fail(
        43,
        `${scout} gets in audit ${frame.task} what ${owner} got in task ${before}: ${question.slice(0, 100)}`,
      )
    known.owners.set(owner, frame.task)
    this.given.set(question, known)
  }

  /** What a client asked, to the byte. */
  private checkShadow({ body: asked, owners }: Given, task: number, body: Uint8Array): void {
    if (owners.size === 0) this.fail(46, `audit ${task} asks what no client asked`)
    if (!Buffer.from(asked).equals(body)) this.fail(46, `audit ${task} changes the request`)
  }

  private checkForm({ task, model }: FrameOf<'task'>, body: Uint8Array): void {
    if (!isSpoken(body)) return
    const fields = JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>
    const names = Object.keys(fields).join(' ')
    // All clients that ask for prose name these, in this order.
    if (names !== 'model messages stream') this.fail(46, `audit ${task} for ${model} has the fields ${names}`)
  }

  private checkConvicted(scout: string, { task, model }: FrameOf<'task'>, engine: HubEngine): void {
    const others = this.records.servedWhileConvicted(scout, model, engine)
    if (others !== null)
      this.fail(47, `task ${task} goes to ${scout}, which is convicted, while ${others} offers ${model}`)
  }
}
