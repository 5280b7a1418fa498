/**
 * What is known of control nodes, from commits alone: each may be decided once at each stage, only
 * when all that it waited for is over on the disk, and only as its planner would decide from what is there.
 */
import type { ControlNode, Decision, NeedResult } from '../../orchestrator/engine/ports/planner.ts'
import type { StoreWriteOf, TaskRow } from '../../orchestrator/engine/ports/store.ts'
import type { MemoryDisk, StoredTask } from '../../orchestrator/store/memory/disk.ts'
import { simPlanner } from './actors/control-nodes.ts'

interface Controlled {
  intent: string
  node: string
  stage: number
  waits: string[]
}

const over = /^(done|failed|cancelled|skipped)$/

export class Decisions {
  private readonly open = new Map<number, Controlled>()

  constructor(
    private readonly disk: () => MemoryDisk,
    private readonly fail: (what: string) => void,
  ) {}

  /** These tasks are on the disk now. */
  planned(rows: readonly TaskRow[]): void {
    for (const row of rows) this.revived(row)
  }

  /** This one goes on where it was. */
  revived({ task, intent, node, stage, waits, needs }: TaskRow): void {
    if (stage !== null) this.open.set(task, { intent, node, stage, waits: JSON.parse(waits ?? needs) as string[] })
  }

  expanded({ task, stage, waits, tasks }: StoreWriteOf<'expand'>): void {
    const known = this.open.get(task)
    const decision = known && this.decided(task, known, stage)
    if (known === undefined || decision === undefined) return this.fail(`task ${task} grew after its end`)
    const names = tasks.map(({ node }) => node).join(' ')
    const isRight = decision.type === 'expand' && decision.tasks.map(({ node }) => node).join(' ') === names
    if (!isRight) this.fail(`task ${task} grew at stage ${stage} by ${names}, which is not what it decides`)
    known.stage++
    known.waits = JSON.parse(waits) as string[]
    this.planned(tasks)
  }

  done({ task, stage, result }: StoreWriteOf<'decide'>): void {
    const known = this.open.get(task)
    const decision = known && this.decided(task, known, stage)
    if (decision === undefined) return this.fail(`task ${task} was decided after its end`)
    const isRight = decision.type === 'done' && Buffer.from(decision.result).equals(result)
    if (!isRight) this.fail(`task ${task} has a result at stage ${stage} that is not what it decides`)
    this.open.delete(task)
  }

  ended({ task, state }: StoreWriteOf<'end'>): void {
    if (state === 'skipped' && this.open.has(task)) this.fail(`task ${task} decides over failures and was skipped`)
    this.open.delete(task)
  }

  /** What its planner says to what is on the disk. */
  private decided(task: number, { intent, node, stage, waits }: Controlled, at: number): Decision {
    if (at !== stage) this.fail(`task ${task} was decided at stage ${at}, and is at ${stage}`)
    const stored = new Map(
      this.disk()
        .intents.get(intent)!
        .tasks.map((one) => [one.row.node, one]),
    )
    const results = waits.map((need) => this.resultOf(task, stored.get(need)!))
    const spec = JSON.parse(Buffer.from(stored.get(node)!.request).toString('utf8')) as unknown
    const control: ControlNode = { node, spec, stage, results }
    return simPlanner.decide(control)
  }

  private resultOf(task: number, { row, result }: StoredTask): NeedResult {
    if (!over.test(row.state)) this.fail(`task ${task} was decided while ${row.node} is ${row.state}`)
    const fault = row.fault === null ? null : (JSON.parse(row.fault) as NeedResult['fault'])
    return { node: row.node, state: row.state as NeedResult['state'], body: result, fault }
  }
}
