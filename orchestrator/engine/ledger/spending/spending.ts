/**
 * Points that clients spend: what a task may cost is set aside before it is given out, and when it is over what its
 * receipt says is spent and the rest given back. Each of these is an event of the chain; they are sealed once a second,
 * in their order, and counted here meanwhile. A crash loses the last second: whatever a start finds set aside, it gives
 * back, and sets it aside anew for durable tasks that go on.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { bytesPerUnit, spendingBacklogMax, unitsPerMedium } from '../../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../../shared/system.ts'
import { autoModel, type TaskKind } from '../../../../shared/task.ts'
import { clientOf, reservedIn } from '../../../ledger/accounts/account.ts'
import type { Transfer } from '../../../ledger/accounts/events.ts'
import type { Projector } from '../../../ledger/accounts/projector.ts'
import type { ListPrice, Rules } from '../../../ledger/points/rules.ts'
import { paidPrice } from '../../../ledger/points/work.ts'
import { chargeNeeded, reserveEvent, settleEvents } from '../../../ledger/spending/reservations.ts'
import type { RequestSize } from '../../../tenants/price.ts'
import { notWritable } from '../../durability/journal.ts'
import type { HeldTask, Hold, Purse } from '../../ports/charged-key.ts'
import { auditTenant } from '../../ports/trust/witness.ts'
import type { Market } from './market.ts'

interface SpendingParts {
  system: Pick<System, 'nowMs'>
  projector: Projector
  rules: Rules
  market: Pick<Market, 'isOfferedBy' | 'models'>
  seal: (events: readonly Transfer[]) => void
}

/** The dearest price on offer is looked for this often, for tasks of which it is not known who serves them. */
const dearestEveryMs = 1_000

export class Spending implements Purse {
  /** Events that are not sealed yet, oldest first. */
  private pending: Transfer[] = []
  /** What they will change of clients' accounts. */
  private readonly changes = new Map<string, number>()
  private readonly dearest: Record<TaskKind, { atMs: number; price: ListPrice } | null> = { chat: null, embed: null }
  private readonly prefix: string
  private holds = 0
  /** Points of all holds that are not over; and the same by tenant. */
  reserved = 0
  private readonly reservedBy = new Map<string, number>()

  constructor(private readonly parts: SpendingParts) {
    const { projector } = parts
    // Whatever an earlier process has sealed made the chain longer.
    this.prefix = `${projector.end.seq}.`
    for (const [account, points] of projector.balances.accounts()) {
      const of = reservedIn(account)
      if (of !== null) this.add(settleEvents(of.tenant, of.hold, points, null))
    }
  }

  hold(tenant: string, task: HeldTask, size: RequestSize): Hold | Fault | null {
    if (tenant === auditTenant) return null
    const points = this.needed(task, size)
    const has = this.available(tenant)
    if (has >= points) return this.holdPoints(tenant, points)
    const { kind, model, isOpen } = task
    // Work of one's own scouts is free, and needs no points.
    if (isOpen && this.parts.market.isOfferedBy(kind, model, tenant)) return this.made(tenant, 0)
    return lacking(points, has)
  }

  holdPoints(tenant: string, points: number): Hold | Fault | null {
    if (tenant === auditTenant) return null
    if (this.pending.length >= spendingBacklogMax) return notWritable
    const has = this.available(tenant)
    return has < points ? lacking(points, has) : this.made(tenant, points)
  }

  restoreSized(tenant: string, task: HeldTask, size: RequestSize): Hold | null {
    return this.restore(tenant, this.needed(task, size))
  }

  restore(tenant: string, points: number): Hold | null {
    return tenant === auditTenant ? null : this.made(tenant, Math.min(points, this.available(tenant)))
  }

  over(hold: Hold): void {
    if (hold.isOver) throw new Error('points that were set aside were given back twice')
    hold.isOver = true
    this.setAside(hold.tenant, -hold.points)
    this.add(settleEvents(hold.tenant, hold.id, hold.points, hold.owed))
  }

  /** What a client can set aside now. */
  available(tenant: string): number {
    const account = clientOf(tenant)
    return this.parts.projector.balances.of(account) + (this.changes.get(account) ?? 0)
  }

  /** What is set aside of a client's points now. */
  reservedOf(tenant: string): number {
    return this.reservedBy.get(tenant) ?? 0
  }

  /** Everything so far goes into the chain, before anything else moves points of clients. */
  seal(): void {
    const events = this.pending
    this.pending = []
    this.changes.clear()
    this.parts.seal(events)
  }

  private made(tenant: string, points: number): Hold {
    const id = this.prefix + ++this.holds
    this.setAside(tenant, points)
    if (points > 0) this.add([reserveEvent(tenant, id, points)])
    return { tenant, id, points, owed: null, isOver: false }
  }

  private setAside(tenant: string, points: number): void {
    this.reserved += points
    const sum = this.reservedOf(tenant) + points
    if (sum === 0) this.reservedBy.delete(tenant)
    else this.reservedBy.set(tenant, sum)
  }

  private add(events: readonly Transfer[]): void {
    for (const event of events) {
      this.pending.push(event)
      const { from, to, points } = event
      this.changes.set(from, (this.changes.get(from) ?? 0) - points)
      this.changes.set(to, (this.changes.get(to) ?? 0) + points)
    }
  }

  /** The bytes of a body are more than those of its texts, which are what is counted in the end. */
  private needed({ kind, model }: HeldTask, { textBytes, media, answerTokens }: RequestSize): number {
    const promptUnits = Math.ceil(textBytes / bytesPerUnit) + media * unitsPerMedium
    return chargeNeeded(this.priceOf(kind, model), promptUnits, answerTokens)
  }

  private priceOf(kind: TaskKind, model: string): ListPrice {
    const { rules, market, system } = this.parts
    if (model !== autoModel) return paidPrice(rules, model)
    const nowMs = system.nowMs()
    const known = this.dearest[kind]
    if (known !== null && nowMs - known.atMs < dearestEveryMs) return known.price
    const price = { prompt: 0, answer: 0 }
    for (const offered of market.models(kind)) {
      const { prompt, answer } = paidPrice(rules, offered)
      price.prompt = Math.max(price.prompt, prompt)
      price.answer = Math.max(price.answer, answer)
    }
    this.dearest[kind] = { atMs: nowMs, price }
    return price
  }
}

function lacking(points: number, has: number): Fault {
  const text = `This request may cost ${points} points, and you have ${has} to spend: allow it fewer tokens`
  return fault('insufficient_points', `${text} (max_tokens), or get more points, which a scout of your own earns.`)
}
