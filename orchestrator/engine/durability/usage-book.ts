/**
 * Usage of chats on its way to the books: summed in memory and written down once a second, because a row for each of
 * thousands of answers would cost more than the answers. What a crash takes is at most that second; the usage of
 * durable tasks is booked with their settlement and is never lost.
 */
import { usageSumMax } from '../../../shared/limits/answers.ts'
import { usageFlushMs, usageSumsMax } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import type { Usage } from '../answers/answer-check.ts'
import type { UsageSum } from '../ports/store.ts'

export class UsageBook {
  private sums = new Map<string, UsageSum>()
  private scheduled = false

  constructor(
    /** Takes a sum to where it is written down. */
    private readonly write: (sum: UsageSum) => void,
    private readonly system: System,
  ) {}

  add(tenant: string, model: string, { promptTokens, completionTokens }: Usage): void {
    const name = `${tenant}\t${model}`
    let sum = this.sums.get(name)
    if (sum === undefined) {
      sum = { tenant, model, tasks: 0, promptTokens: 0, completionTokens: 0 }
      this.sums.set(name, sum)
    }
    sum.tasks++
    sum.promptTokens = Math.min(usageSumMax, sum.promptTokens + promptTokens)
    sum.completionTokens = Math.min(usageSumMax, sum.completionTokens + completionTokens)
    if (this.sums.size >= usageSumsMax) this.flush()
    else this.schedule()
  }

  /** Hands all sums on. */
  flush(): void {
    for (const sum of this.sums.values()) this.write(sum)
    this.sums = new Map()
  }

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    this.system.after(usageFlushMs, () => {
      this.scheduled = false
      this.flush()
    })
  }
}
