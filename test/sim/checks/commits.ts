/**
 * What the hub has written down, row by row as it is committed: each write is judged by what the wire has shown and by
 * what was on the disk before it. The checker asks here. Invariants 2, 3 and 6, and 22 with `decisions.ts`.
 */
import type { StoreWrite, StoreWriteOf } from '../../../orchestrator/engine/ports/store.ts'
import type { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { answerTo, contentOf, embeddingFor } from '../answers.ts'
import { Decisions } from '../decisions.ts'
import type { World } from '../world.ts'
import type { AttemptLimits } from './attempts/attempt-limits.ts'
import type { Charges } from './attempts/charges.ts'
import { type Ledger, tripleOf } from './ledger.ts'
import type { Verdicts } from './verdicts.ts'

interface Parts {
  world: World
  disk: () => MemoryDisk
  ledger: Ledger
  /** Of the tasks that were given out. */
  requests: ReadonlyMap<number, Uint8Array>
  charges: Charges
  verdicts: Verdicts
  attemptLimits: AttemptLimits
  fail: (invariant: number, what: string) => void
}

export class Commits {
  private readonly idByKey = new Map<string, string>()
  /** Durable tasks that ended in this event: what was decided before their end may still go out in it. */
  private ended: number[] = []
  private readonly decisions: Decisions

  constructor(private readonly parts: Parts) {
    this.decisions = new Decisions(parts.disk, (what) => parts.fail(22, what))
  }

  /** The intent that was made under this Idempotency-Key. */
  intentUnder(key: string): string | undefined {
    return this.idByKey.get(key)
  }

  /** The event of the world is over. */
  endTurn(): void {
    if (this.ended.length > 0) for (const task of this.ended.splice(0)) this.parts.ledger.over(task)
  }

  /** The hub met a defect in this event, and ends before it tells anybody. */
  hubBreaks(): void {
    this.ended.length = 0
  }

  committed(writes: readonly StoreWrite[]): void {
    const { charges, verdicts, world } = this.parts
    for (const write of writes) {
      if (write.write === 'settle') this.settled(write)
      if (write.write === 'lease') charges.leased(write)
      if (write.write === 'release' || write.write === 'end') charges.charged(write)
      if (write.write === 'intent') this.planned(write)
      if (write.write === 'retry') this.revived(write)
      if (write.write === 'expand') this.decisions.expanded(write)
      if (write.write === 'decide') this.decisions.done(write)
      if (write.write !== 'end') continue
      this.decisions.ended(write)
      verdicts.ended(write, world.nowMs)
      this.ended.push(write.task)
    }
  }

  private planned({ intent, tasks }: StoreWriteOf<'intent'>): void {
    this.decisions.planned(tasks)
    const { key } = JSON.parse(intent.metadata) as { key?: string }
    if (key === undefined) return
    const first = this.idByKey.get(key)
    if (first !== undefined) this.parts.fail(2, `key ${key} made the intents ${first} and ${intent.id}`)
    this.idByKey.set(key, intent.id)
  }

  private revived({ tasks }: StoreWriteOf<'retry'>): void {
    const { disk, ledger, attemptLimits } = this.parts
    for (const { task } of tasks) {
      ledger.task(task).isOver = false
      attemptLimits.revived(task)
      this.decisions.revived(disk().tasks.get(task)!.row)
    }
  }

  private settled({ task, attempt, nonce, result }: StoreWriteOf<'settle'>): void {
    const { disk, ledger, requests, fail } = this.parts
    ledger.done(task, tripleOf(task, attempt, nonce))
    this.ended.push(task)
    const request = requests.get(task)
    const { kind } = disk().tasks.get(task)!.row
    if (request === undefined) return fail(3, `task ${task} was settled without being given out`)
    const text = Buffer.from(result).toString('utf8')
    const isRight = kind === 'embed' ? text === embeddingFor(request) : contentOf(text) === answerTo(request).text
    if (!isRight) fail(6, `the stored result of task ${task} is not its answer`)
  }
}
