/**
 * What each task costs its key. A task opens a tab before it is given out, which sets aside what it may cost at most
 * or tells which limit stops it; when the task is over the tab is closed, and what was used counts in place of what was
 * set aside. Chats and the tasks of durable intents alike; writing the usage down is left to the books and the journal.
 */
import type { Fault } from '../../../shared/faults.ts'
import { answerTokensReserved } from '../../../shared/limits/keys.ts'
import type { System } from '../../../shared/system.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Requirements } from '../../core/model/routing-options.ts'
import {
  type Amount,
  believedPrice,
  chargedPrice,
  costAt,
  type Price,
  reserveFor,
  saturated,
} from '../../tenants/price.ts'
import { isLimited, type Tenants } from '../../tenants/tenants.ts'
import type { Asked } from '../answers/asked.ts'
import type { ChargedKey, ServedPrice, Tab, Use } from '../ports/charged-key.ts'
import type { UsedTotals } from '../ports/usage.ts'
import { type ModelPrices, usualPrice } from './model-prices.ts'

/** What is known of a task before it runs. */
interface ChargedTask {
  kind: TaskKind
  model: string
  requires: Requirements | null
  requestBytes: number
}

export class Charges {
  /** Since the start of the process. */
  readonly totals: Record<TaskKind, UsedTotals> = { chat: nothingUsed(), embed: nothingUsed() }

  constructor(
    private readonly tenants: Tenants,
    private readonly prices: ModelPrices,
    private readonly system: Pick<System, 'nowMs' | 'wallMs'>,
  ) {}

  /** The tab of a task, or which limit stops it. `asked` is called only where something is limited. */
  open(key: ChargedKey, task: ChargedTask, asked: () => Asked): Tab | Fault {
    const { kind, model, requires, requestBytes } = task
    if (!isLimited(key)) return { key, kind, reservation: null, price: null }
    const price = this.prices.dearest(kind, model, requires)
    return this.openAmount(key, kind, reserveFor(sizeOf(asked(), requestBytes, kind), price), price)
  }

  /** The same for a task of which it is known how much to set aside. */
  openAmount(key: ChargedKey, kind: TaskKind, amount: Amount, price: Price): Tab | Fault {
    const reservation = this.tenants.reserve(key, amount, this.now())
    return reservation !== null && 'code' in reservation ? reservation : { key, kind, reservation, price }
  }

  /** The tab of a task that an earlier process admitted. */
  reopen(key: ChargedKey, kind: TaskKind, amount: Amount, price: Price): Tab {
    return { key, kind, reservation: this.tenants.restore(key, amount, this.now()), price }
  }

  /**
   * The task is over: what its use cost, in millionths of a dollar. Null for a use stands for nothing; `served` is what
   * the offer asked, as far as it is known. To be called once.
   */
  close({ key, kind, reservation, price }: Tab, use: Use | null, served: ServedPrice | null): number {
    const microDollars = use === null ? 0 : this.cost(kind, use, served, price)
    if (use !== null) count(this.totals[kind], use, microDollars)
    const tokens = use === null ? 0 : saturated(use.promptTokens + use.completionTokens)
    this.tenants.settle(key.id, key.account, reservation, { tokens, microDollars }, this.system.wallMs())
    return microDollars
  }

  private cost(
    kind: TaskKind,
    { model, promptTokens, completionTokens }: Use,
    served: ServedPrice | null,
    reserved: Price | null,
  ): number {
    const most = reserved ?? this.prices.dearest(kind, model, null)
    const prompt = believedPrice(served?.promptPrice ?? null, usualPrice.prompt)
    const answer = believedPrice(served?.answerPrice ?? null, usualPrice.answer)
    return costAt(chargedPrice({ prompt, answer }, most), promptTokens, completionTokens)
  }

  private now() {
    return { wallMs: this.system.wallMs(), nowMs: this.system.nowMs() }
  }
}

function nothingUsed(): UsedTotals {
  return { promptTokens: 0, completionTokens: 0, microDollars: 0, estimated: 0 }
}

function count(totals: UsedTotals, { promptTokens, completionTokens, isEstimated }: Use, microDollars: number): void {
  totals.promptTokens += promptTokens
  totals.completionTokens += completionTokens
  totals.microDollars += microDollars
  if (isEstimated) totals.estimated++
}

function sizeOf({ choices, media, mediaBytes, answerTokens }: Asked, requestBytes: number, kind: TaskKind) {
  const ofChoice = answerTokens === null ? answerTokensReserved : Math.max(0, answerTokens)
  const textBytes = Math.max(0, requestBytes - mediaBytes)
  return { textBytes, media, answerTokens: kind === 'embed' ? 0 : saturated(ofChoice * Math.max(1, choices)) }
}
