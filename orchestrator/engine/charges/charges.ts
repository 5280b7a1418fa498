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
  chargedPrice,
  costAt,
  type Price,
  type RequestSize,
  reserveFor,
  saturated,
} from '../../tenants/price.ts'
import { isLimited, type Reservation, type Tenants } from '../../tenants/tenants.ts'
import type { Asked } from '../answers/asked.ts'
import type { ChargedKey, ServedPrice, Tab, Use } from '../ports/charged-key.ts'
import type { UsedTotals } from '../ports/usage.ts'
import { believedPrices, type ModelPrices } from './model-prices.ts'

/** What is known of a task before it runs. */
interface ChargedTask {
  kind: TaskKind
  model: string
  requires: Requirements | null
}

/** Whose limits count. */
type Payer = Pick<ChargedKey, 'id' | 'account'>

export class Charges {
  /** Since the start of the process. */
  readonly totals: Record<TaskKind, UsedTotals> = { chat: nothingUsed(), embed: nothingUsed() }

  constructor(
    private readonly tenants: Tenants,
    private readonly prices: ModelPrices,
    private readonly system: Pick<System, 'nowMs' | 'wallMs'>,
  ) {}

  /** The tab of a task, or which limit stops it. `asked` is called only where something is limited. */
  open(key: ChargedKey, task: ChargedTask & { requestBytes: number }, asked: () => Asked): Tab | Fault {
    const { kind, requestBytes } = task
    if (!isLimited(key)) return { key, kind, reservation: null, price: null }
    return this.openSized(key, task, sizeOf(asked(), requestBytes, kind))
  }

  /** The same for a key that is limited. */
  openSized(key: ChargedKey, { kind, model, requires }: ChargedTask, size: RequestSize): Tab | Fault {
    const price = this.prices.dearest(kind, model, requires)
    return this.openAmount(key, kind, reserveFor(size, price), price)
  }

  /** The same for a task of which it is known how much to set aside. */
  openAmount(key: ChargedKey, kind: TaskKind, amount: Amount, price: Price): Tab | Fault {
    const reservation = this.tenants.reserve(key, amount, this.now())
    return reservation !== null && 'code' in reservation ? reservation : { key, kind, reservation, price }
  }

  /** The same for a task that an earlier process admitted. */
  reopenSized(key: ChargedKey, { kind, model, requires }: ChargedTask, size: RequestSize): Tab {
    const price = this.prices.dearest(kind, model, requires)
    return this.reopen(key, kind, reserveFor(size, price), price)
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
    const microDollars = use === null ? 0 : costOf(use, this.priceOf(price, kind, use.model, served))
    this.settle(key, kind, reservation, use, microDollars)
    return microDollars
  }

  /** The same where it is known what the use cost. */
  settle(
    { id, account }: Payer,
    kind: TaskKind,
    reservation: Reservation | null,
    use: Use | null,
    microDollars: number,
  ): void {
    if (use !== null) count(this.totals[kind], use, microDollars)
    const tokens = use === null ? 0 : saturated(use.promptTokens + use.completionTokens)
    this.tenants.settle(id, account, reservation, { tokens, microDollars }, this.system.wallMs())
  }

  /** What a token is charged: what the offer asks, as far as it is believed, and never more than `reserved`. */
  priceOf(reserved: Price | null, kind: TaskKind, model: string, offered: ServedPrice | null) {
    const most = reserved ?? this.prices.dearest(kind, model, null)
    const { prompt, answer } = chargedPrice(believedPrices(offered), most)
    return { promptPrice: prompt, answerPrice: answer }
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

/** What a use cost at these prices, in millionths of a dollar. */
export function costOf({ promptTokens, completionTokens }: Use, price: ServedPrice | null): number {
  return costAt(believedPrices(price), promptTokens, completionTokens)
}

export function sizeOf(asked: Asked, requestBytes: number, kind: TaskKind): RequestSize {
  const { choices, media, mediaBytes, answerTokens } = asked
  const ofChoice = answerTokens === null ? answerTokensReserved : Math.max(0, answerTokens)
  const textBytes = Math.max(0, requestBytes - mediaBytes)
  return { textBytes, media, answerTokens: kind === 'embed' ? 0 : saturated(ofChoice * Math.max(1, choices)) }
}
