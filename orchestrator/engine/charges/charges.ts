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
import { isLimited, type Tenants } from '../../tenants/tenants.ts'
import type { Asked } from '../answers/asked.ts'
import type { ChargedKey, HeldTask, Hold, Purse, ServedPrice, Tab, Use } from '../ports/charged-key.ts'
import type { Terms } from '../ports/planner.ts'
import type { UsedTotals } from '../ports/usage.ts'
import { believedPrices, type ModelPrices } from './model-prices.ts'

/** What is known of a task before it runs. */
interface ChargedTask extends HeldTask {
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
    /** Null where nobody pays with points. */
    private readonly purseOf: () => Purse | null = () => null,
  ) {}

  private get purse(): Purse | null {
    return this.purseOf()
  }

  /** The tab of a task, or which limit stops it. `asked` is called only where something is limited. */
  open(key: ChargedKey, task: ChargedTask & { requestBytes: number }, asked: () => Asked): Tab | Fault {
    const { kind, requestBytes } = task
    if (!isLimited(key) && this.purse === null) return noTab(key, kind)
    return this.openSized(key, task, sizeOf(asked(), requestBytes, kind))
  }

  /** The same for a key that is limited, or whose tasks cost points. */
  openSized(key: ChargedKey, task: ChargedTask, size: RequestSize): Tab | Fault {
    const { kind, model, requires } = task
    const price = this.prices.dearest(kind, model, requires)
    const hold = () => this.purse?.hold(key.tenant, task, size) ?? null
    return this.openAmount(key, kind, { amount: reserveFor(size, price), price }, hold)
  }

  /** The same for a task of which it is known how much to set aside. */
  openKnown(key: ChargedKey, kind: TaskKind, { reserved, points }: SetAside): Tab | Fault {
    const hold = () => (points === undefined ? null : (this.purse?.holdPoints(key.tenant, points) ?? null))
    return this.openAmount(key, kind, reserved === undefined ? null : amountIn(reserved), hold)
  }

  private openAmount(
    key: ChargedKey,
    kind: TaskKind,
    most: Most | null,
    holding: () => Hold | Fault | null,
  ): Tab | Fault {
    const now = this.now()
    const reservation = most === null ? null : this.tenants.reserve(key, most.amount, now)
    if (reservation !== null && 'code' in reservation) return reservation
    const hold = holding()
    if (hold === null || !('code' in hold)) {
      return { key, kind, reservation, price: reservation === null ? null : most!.price, hold }
    }
    if (reservation !== null) this.tenants.settle(key.id, key.account, reservation, nothing, now.wallMs)
    return hold
  }

  /** The same for a task that an earlier process admitted. */
  reopenSized(key: ChargedKey, task: ChargedTask, size: RequestSize): Tab {
    const { kind, model, requires } = task
    const price = this.prices.dearest(kind, model, requires)
    const hold = this.purse?.restoreSized(key.tenant, task, size) ?? null
    return { ...this.reopened(key, kind, { amount: reserveFor(size, price), price }), hold }
  }

  /** The tab of a task that an earlier process admitted. */
  reopen(key: ChargedKey, kind: TaskKind, { reserved, points }: SetAside): Tab {
    const tab = reserved === undefined ? noTab(key, kind) : this.reopened(key, kind, amountIn(reserved))
    return { ...tab, hold: points === undefined ? null : (this.purse?.restore(key.tenant, points) ?? null) }
  }

  private reopened(key: ChargedKey, kind: TaskKind, { amount, price }: Most): Tab {
    return { ...noTab(key, kind), reservation: this.tenants.restore(key, amount, this.now()), price }
  }

  /**
   * The task is over: what its use cost, in millionths of a dollar. Null for a use stands for nothing; `served` is what
   * the offer asked, as far as it is known. To be called once.
   */
  close(tab: Tab, use: Use | null, served: ServedPrice | null): number {
    const { key, kind, price } = tab
    const microDollars = use === null ? 0 : costOf(use, this.priceOf(price, kind, use.model, served))
    this.settle(key, kind, tab, use, microDollars)
    return microDollars
  }

  /** The same where it is known what the use cost; `tab` is null for a task that had none. */
  settle(
    { id, account }: Payer,
    kind: TaskKind,
    tab: Pick<Tab, 'reservation' | 'hold'> | null,
    use: Use | null,
    microDollars: number,
  ): void {
    const { reservation = null, hold = null } = tab ?? {}
    if (hold !== null) this.purse!.over(hold)
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

const nothing: Amount = { tokens: 0, microDollars: 0 }

/** What is stored of a task's tab. */
type SetAside = Pick<Terms, 'reserved' | 'points'>

/** Of a budget, and the price of a token. */
interface Most {
  amount: Amount
  price: Price
}

function amountIn({
  tokens,
  microDollars,
  promptPrice: prompt,
  answerPrice: answer,
}: Required<Terms>['reserved']): Most {
  return { amount: { tokens, microDollars }, price: { prompt, answer } }
}

/** Nothing is set aside. */
function noTab(key: ChargedKey, kind: TaskKind): Tab {
  return { key, kind, reservation: null, price: null, hold: null }
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
