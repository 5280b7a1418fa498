/**
 * Usage of chats on its way to the books: summed in memory by key, model and hour and written down once a second,
 * because a row for each of thousands of answers would cost more than the answers. What a crash takes is at most that
 * second; the usage of durable tasks is booked with their settlement and is never lost.
 */
import { usageSumMax } from '../../../shared/limits/answers.ts'
import { usageFlushMs, usageSumsMax } from '../../../shared/limits/store.ts'
import type { System, Timer } from '../../../shared/system.ts'
import type { ChargedKey, Use } from '../ports/charged-key.ts'
import { hourMs, type UsageTally } from '../ports/usage.ts'

type Payer = Pick<ChargedKey, 'id' | 'tenant'>

export class UsageBook {
  private sums = new Map<string, UsageTally>()
  private timer: Timer | null = null

  constructor(
    /** Takes a sum to where it is written down. */
    private readonly write: (sum: UsageTally) => void,
    private readonly system: System,
  ) {}

  add(key: Payer, { model, promptTokens, completionTokens, isEstimated }: Use, microDollars: number): void {
    const sum = this.sumOf(key, model)
    sum.tasks++
    if (isEstimated) sum.estimated++
    sum.promptTokens = Math.min(usageSumMax, sum.promptTokens + promptTokens)
    sum.completionTokens = Math.min(usageSumMax, sum.completionTokens + completionTokens)
    sum.microDollars = Math.min(usageSumMax, sum.microDollars + microDollars)
    this.added()
  }

  /** A request that got no answer; `model` is who last had it, empty when nobody did. */
  addFailed(key: Payer, model: string): void {
    this.sumOf(key, model).failed++
    this.added()
  }

  private sumOf({ id: key, tenant }: Payer, model: string): UsageTally {
    const hour = Math.floor(this.system.wallMs() / hourMs)
    const name = `${hour}\t${key}\t${model}`
    const known = this.sums.get(name)
    if (known !== undefined) return known
    const counts = { tasks: 0, failed: 0, promptTokens: 0, completionTokens: 0, microDollars: 0, estimated: 0 }
    const sum = { hour, tenant, key, model, ...counts }
    this.sums.set(name, sum)
    return sum
  }

  private added(): void {
    if (this.sums.size >= usageSumsMax) this.flush()
    else this.schedule()
  }

  /** Hands all sums on. */
  flush(): void {
    for (const sum of this.sums.values()) this.write(sum)
    this.sums = new Map()
    this.timer?.cancel()
    this.timer = null
  }

  private schedule(): void {
    this.timer ??= this.system.after(usageFlushMs, () => this.flush())
  }
}
