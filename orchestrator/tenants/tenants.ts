/**
 * Who may go on: rates and budgets of keys and of the accounts they belong to, counted in memory. Each request asks
 * once before it begins, each task reserves before it is given out and settles when it has ended, and of key and
 * account the tighter one decides. What was booked before is read from the store when a key with a budget first asks;
 * keys without limits cost one look into a table. Whoever feeds it names the times; nothing here waits or writes.
 */
import type { Fault } from '../../shared/faults.ts'
import type { Budget, KeyLimits } from '../../shared/keys/key-terms.ts'
import { limitedOwnersMax } from '../../shared/limits/keys.ts'
import { Elsewhere, type UsedSums } from './elsewhere.ts'
import { dayMs, dayOf, nextFirstDay, type Period } from './periods.ts'
import type { Amount } from './price.ts'
import { Rate } from './rate.ts'
import { type DaySum, Spending } from './spending.ts'
import { budgetFault, type Owner, type RateUnit, rateFault, shareFault } from './wording.ts'

/** A key as far as limits concern it. */
export interface LimitedKey {
  readonly id: string
  readonly tenant: string
  readonly account: string | null
  readonly limits: KeyLimits
  readonly accountLimits: KeyLimits
}

/** What was booked, by the store. */
interface Booked {
  ofKey(key: LimitedKey, sinceDay: number): readonly DaySum[]
  ofAccount(account: string, sinceDay: number): readonly DaySum[]
}

/** Both clocks: budgets follow the calendar, rates must not. */
export interface Now {
  /** Milliseconds since 1970. */
  wallMs: number
  /** Monotonic milliseconds. */
  nowMs: number
}

/** What is set aside for one task, until it is settled or released; once. */
export interface Reservation extends Amount {
  /** Whose budgets it is counted in; null where none is limited. */
  readonly key: string | null
  readonly account: string | null
  /** Set when it is over. */
  isOver: boolean
}

/** How much of a budget is left; for people. */
interface BudgetStanding {
  of: Owner
  per: Period
  unit: Budget['unit']
  limit: number
  used: number
  reserved: number
  resetsAtMs: number
}

/** How much of a rate is left. */
export interface RateStanding {
  of: Owner
  unit: RateUnit
  limit: number
  remaining: number
  resetsInMs: number
}

/** What is counted of one key or one account. */
interface Counts {
  /** Since its owner was passed over for the last time. */
  isUsed: boolean
  requests: Rate | null
  tokens: Rate | null
  spending: Spending | null
}

/** What a limit counts, as far as it matters to an operator. */
export type LimitKind = RateUnit | 'budget'

export class Tenants {
  /** How often each kind of limit has stopped something. */
  readonly stopped: Record<LimitKind, number> = { requests: 0, tokens: 0, budget: 0 }
  /** Oldest first; who was used since the last look at it goes to the end instead of being forgotten. */
  private readonly keys = new Map<string, Counts>()
  private readonly accounts = new Map<string, Counts>()
  /** How many hubs share budgets, and what they used, by the id of a key or an account; null: this one alone. */
  private network: { hubs: () => number; used: Map<string, Elsewhere> } | null = null

  constructor(private readonly booked: Booked) {}

  /** Budgets are shared by so many hubs from now on, this one among them. */
  joinNetwork(hubs: () => number): void {
    this.network = { hubs, used: new Map() }
  }

  /** Another hub has used so much in all, or this one has told so (null). */
  usedInNetwork(hub: string | null, id: string, sums: UsedSums): void {
    const { used } = this.network!
    const known = used.get(id)
    if (known === undefined && used.size >= 2 * limitedOwnersMax) used.delete(used.keys().next().value!)
    const elsewhere = known ?? new Elsewhere()
    used.set(id, elsewhere)
    if (hub === null) elsewhere.told(sums)
    else elsewhere.heard(hub, sums)
  }

  /** What this hub has told of it is lost, and has to be told anew. */
  forgetTold(id: string): void {
    this.network?.used.get(id)?.forgetTold()
  }

  /** What the others do not know yet, of at most so many keys and accounts. */
  untold(wallMs: number, limit: number): { id: string; sums: UsedSums }[] {
    const untold: { id: string; sums: UsedSums }[] = []
    for (const [id, { spending }] of [...this.keys, ...this.accounts]) {
      if (spending === null || untold.length === limit) continue
      const sums = spending.sums(dayOf(wallMs))
      const known = this.network?.used.get(id) ?? new Elsewhere()
      if (!known.isTold(sums)) untold.push({ id, sums })
    }
    return untold
  }

  /** Counts one request. Null when it may go on, else which limit stops it. */
  begin(key: LimitedKey, now: Now): Fault | null {
    const { account, limits, accountLimits } = key
    const own = limits.requestsPerMinute
    const shared = account === null ? null : accountLimits.requestsPerMinute
    if (own === null && shared === null) return null
    const ofKey = own === null ? null : rateOf(this.countsOf(this.keys, key.id), 'requests', own, now)
    const ofAccount = shared === null ? null : rateOf(this.countsOf(this.accounts, account!), 'requests', shared, now)
    const refused = longest('requests', ofKey, ofAccount, 1, now)
    if (refused !== null) {
      this.stopped.requests++
      return refused
    }
    ofKey?.take(1)
    ofAccount?.take(1)
    return null
  }

  /** Sets this much aside for a task. Null for a key without limits of this kind. */
  reserve(key: LimitedKey, amount: Amount, now: Now): Reservation | Fault | null {
    const { id, account, limits, accountLimits } = key
    const [ofKey, ofAccount] = this.limited(key, now)
    if (ofKey === null && ofAccount === null) return null
    const refused =
      later(
        this.overBudget('key', id, ofKey, limits, amount, now),
        this.overBudget('account', account, ofAccount, accountLimits, amount, now),
      ) ?? longest('tokens', ofKey?.tokens ?? null, ofAccount?.tokens ?? null, amount.tokens, now)
    if (refused !== null) {
      this.stopped[refused.code === 'budget_exceeded' ? 'budget' : 'tokens']++
      return refused
    }
    return this.setAside(id, account, amount, ofKey, ofAccount)
  }

  /** The same for a task that was admitted by an earlier process, whatever the limits say now. */
  restore(key: LimitedKey, amount: Amount, now: Now): Reservation | null {
    const [ofKey, ofAccount] = this.limited(key, now)
    if (ofKey === null && ofAccount === null) return null
    return this.setAside(key.id, key.account, amount, ofKey, ofAccount)
  }

  /** What is counted of the key and of its account, where their use is limited. */
  private limited(key: LimitedKey, now: Now): [Counts | null, Counts | null] {
    const { id, account, limits, accountLimits } = key
    let ofKey: Counts | null = null
    if (countsUse(limits)) {
      ofKey = this.countsOf(this.keys, id)
      tokenRate(ofKey, limits.tokensPerMinute, now)
      ofKey.spending ??= spendingOf(now, (since) => this.booked.ofKey(key, since))
    }
    if (account === null || !countsUse(accountLimits)) return [ofKey, null]
    const ofAccount = this.countsOf(this.accounts, account)
    tokenRate(ofAccount, accountLimits.tokensPerMinute, now)
    ofAccount.spending ??= spendingOf(now, (since) => this.booked.ofAccount(account, since))
    return [ofKey, ofAccount]
  }

  private setAside(
    key: string,
    account: string | null,
    { tokens, microDollars }: Amount,
    ofKey: Counts | null,
    ofAccount: Counts | null,
  ): Reservation {
    const amount = { tokens, microDollars }
    ofKey?.tokens?.take(tokens)
    ofKey?.spending?.reserve(amount)
    ofAccount?.tokens?.take(tokens)
    ofAccount?.spending?.reserve(amount)
    return { tokens, microDollars, key: ofKey && key, account: ofAccount && account, isOver: false }
  }

  /**
   * A task is over and this much of it was used: nothing when it failed. Also for tasks of keys that had no limits when
   * they began, with null for their reservation.
   */
  settle(key: string, account: string | null, reservation: Reservation | null, used: Amount, wallMs: number): void {
    if (reservation?.isOver === true) throw new Error('a reservation was settled twice')
    if (reservation !== null) reservation.isOver = true
    const day = dayOf(wallMs)
    const ofKey = this.keys.get(key)
    if (ofKey !== undefined) close(ofKey, reservation?.key === key ? reservation : null, used, day)
    const ofAccount = account === null ? undefined : this.accounts.get(account)
    if (ofAccount !== undefined) close(ofAccount, reservation?.account === account ? reservation : null, used, day)
  }

  /** For people: budgets of the key and of its account. */
  budgets(key: LimitedKey, now: Now): BudgetStanding[] {
    const { limits, accountLimits } = key
    const day = dayOf(now.wallMs)
    const shown = (of: Owner, counts: Counts | null, budgets: readonly Budget[]): BudgetStanding[] => {
      const spending = counts?.spending ?? null
      if (spending === null) return []
      return budgets.map(({ per, unit, amount: limit }) => {
        const elsewhere = this.network?.used.get(of === 'key' ? key.id : key.account!)
        const used = spending.usedOf(per, unit, day) + (elsewhere?.othersOf(per, unit, day) ?? 0)
        const resetsAtMs = nextFirstDay(per, day) * dayMs
        return { of, per, unit, limit, used, reserved: spending.reservedOf(unit), resetsAtMs }
      })
    }
    const [ofKey, ofAccount] = this.limited(key, now)
    return [...shown('key', ofKey, limits.budgets), ...shown('account', ofAccount, accountLimits.budgets)]
  }

  /** The rates of the key and of its account, each with what is left of it. */
  rates(key: LimitedKey, now: Now): RateStanding[] {
    const { id, account, limits, accountLimits } = key
    const shown = (of: Owner, owner: string, its: KeyLimits): RateStanding[] => {
      if (its.requestsPerMinute === null && its.tokensPerMinute === null) return []
      const counts = this.countsOf(of === 'key' ? this.keys : this.accounts, owner)
      const requests = its.requestsPerMinute === null ? null : rateOf(counts, 'requests', its.requestsPerMinute, now)
      const tokens = tokenRate(counts, its.tokensPerMinute, now)
      return [...standing(of, 'requests', requests, now), ...standing(of, 'tokens', tokens, now)]
    }
    return [...shown('key', id, limits), ...(account === null ? [] : shown('account', account, accountLimits))]
  }

  /** Whether nothing is reserved for anybody; for checks. */
  get isIdle(): boolean {
    return [...this.keys.values(), ...this.accounts.values()].every(({ spending }) => spending?.isIdle !== false)
  }

  private overBudget(
    owner: Owner,
    id: string | null,
    counts: Counts | null,
    { budgets }: KeyLimits,
    amount: Amount,
    { wallMs }: Now,
  ): Fault | null {
    const spending = counts?.spending ?? null
    if (spending === null || id === null || budgets.length === 0) return null
    const day = dayOf(wallMs)
    const elsewhere = this.network?.used.get(id) ?? null
    const lacking = spending.lacking(budgets, amount, day, elsewhere)
    if (lacking !== null) return budgetFault(owner, lacking, day, wallMs)
    if (this.network === null) return null
    const hubs = this.network.hubs()
    return spending.isBeyondShare(budgets, amount, day, elsewhere ?? new Elsewhere(), hubs) ? shareFault(owner) : null
  }

  private countsOf(all: Map<string, Counts>, id: string): Counts {
    const known = all.get(id)
    if (known !== undefined) {
      known.isUsed = true
      return known
    }
    if (all.size >= limitedOwnersMax) forgetOne(all)
    const counts: Counts = { isUsed: false, requests: null, tokens: null, spending: null }
    all.set(id, counts)
    return counts
  }
}

/** What was booked of an owner before, as it counts today. */
function spendingOf({ wallMs }: Now, booked: (sinceDay: number) => readonly DaySum[]): Spending {
  const day = dayOf(wallMs)
  return new Spending(day, booked(Spending.since(day)))
}

/**
 * Looks at a few of the oldest and forgets one that was not used since it was looked at last (Corbató, "A paging
 * experiment with the Multics system", 1968), which costs a use nothing but a mark. Those with tasks under way stay,
 * and are at most as many as such tasks.
 */
function forgetOne(all: Map<string, Counts>): void {
  let looks = forgetLooks
  let used: string | null = null
  for (const [id, counts] of all) {
    const isIdle = counts.spending?.isIdle !== false
    if (isIdle && !counts.isUsed) return void all.delete(id)
    if (isIdle) used ??= id
    counts.isUsed = false
    all.delete(id)
    all.set(id, counts)
    if (--looks === 0) break
  }
  // All of these were used: there is no room for all who are.
  if (used !== null) all.delete(used)
}

const forgetLooks = 64

/** Whether what this key uses counts for anything. */
export function isLimited({ account, limits, accountLimits }: LimitedKey): boolean {
  return countsUse(limits) || (account !== null && countsUse(accountLimits))
}

function countsUse({ tokensPerMinute, budgets }: KeyLimits): boolean {
  return tokensPerMinute !== null || budgets.length > 0
}

function tokenRate(counts: Counts, limit: number | null, now: Now): Rate | null {
  if (limit === null) {
    counts.tokens = null
    return null
  }
  return rateOf(counts, 'tokens', limit, now)
}

function rateOf(counts: Counts, unit: RateUnit, limit: number, { nowMs }: Now): Rate {
  counts[unit] ??= new Rate(limit, nowMs)
  const rate = counts[unit]
  if (rate.limit !== limit) rate.become(limit, nowMs)
  return rate
}

/** Of two refusals the one that lasts longer. */
function later(one: Fault | null, other: Fault | null): Fault | null {
  if (one === null || other === null) return one ?? other
  return other.retryAfterMs! > one.retryAfterMs! ? other : one
}

/** The rate of the two that makes wait longer; null when neither does. */
function longest(
  unit: RateUnit,
  ofKey: Rate | null,
  ofAccount: Rate | null,
  amount: number,
  { nowMs }: Now,
): Fault | null {
  const keyMs = ofKey?.waitMs(amount, nowMs) ?? 0
  const accountMs = ofAccount?.waitMs(amount, nowMs) ?? 0
  if (keyMs === 0 && accountMs === 0) return null
  return keyMs >= accountMs
    ? rateFault('key', unit, ofKey!.limit, keyMs)
    : rateFault('account', unit, ofAccount!.limit, accountMs)
}

function close({ tokens, spending }: Counts, reserved: Reservation | null, used: Amount, day: number): void {
  tokens?.correct((reserved?.tokens ?? 0) - used.tokens)
  if (spending === null) return
  if (reserved !== null) spending.release(reserved)
  spending.use(used, day)
}

function standing(of: Owner, unit: RateUnit, rate: Rate | null, { nowMs }: Now): RateStanding[] {
  if (rate === null) return []
  return [{ of, unit, limit: rate.limit, remaining: rate.remaining(nowMs), resetsInMs: rate.fullInMs(nowMs) }]
}
