/**
 * The balances of all accounts, and their sums by kind, kept as points move. A move that would leave an account below
 * zero is a defect of whoever made the event; only `mint` is below zero, by all that was ever made. Pure.
 */
import { type AccountKind, accountKinds, kindOf, mint } from './account.ts'

export type Totals = Record<AccountKind, number>

function noTotals(): Totals {
  return Object.fromEntries(accountKinds.map((kind) => [kind, 0])) as Totals
}

/** What an account has. Once that is nothing it stays so: what the account gets later is another balance. */
export interface Balance {
  points: number
}

export class Balances {
  private readonly byAccount = new Map<string, Balance>()
  private made: Balance | null = null
  readonly totals = noTotals()

  /** Accounts that are not empty. */
  get size(): number {
    return this.byAccount.size
  }

  of(account: string): number {
    return this.byAccount.get(account)?.points ?? 0
  }

  /** The names of all accounts that are not empty; those that come while it is read may be left out. */
  *accounts(): IterableIterator<[account: string, points: number]> {
    for (const [account, { points }] of this.byAccount) yield [account, points]
  }

  /** What a receipt of some points does. `kept`: what came back for this escrow before; then it is not looked for. */
  mint(escrow: string, points: number, kept: Balance | null = null): Balance {
    this.made = this.grow(this.made, mint, 'mint', -points)
    return this.grow(kept, escrow, 'escrow', points)
  }

  /** Further away from nothing. */
  private grow(kept: Balance | null, account: string, kind: AccountKind, points: number): Balance {
    if (kept === null || kept.points === 0) {
      this.add(account, kind, points)
      return this.byAccount.get(account)!
    }
    kept.points += points
    this.totals[kind] += points
    return kept
  }

  /** One side of a move: the other one may be in the snapshot already that a start goes on from. */
  half(account: string, points: number): void {
    this.add(account, kindOf(account), points)
  }

  /** Puts a balance as a snapshot has it; for an account that has none. */
  restore(account: string, points: number): void {
    const kind = kindOf(account)
    if (this.byAccount.has(account)) throw new Error(`the balance of ${account} is there already`)
    if (points !== 0) this.byAccount.set(account, { points })
    this.totals[kind] += points
  }

  private add(account: string, kind: AccountKind, points: number): void {
    const known = this.byAccount.get(account)
    const balance = (known?.points ?? 0) + points
    if (balance < 0 && account !== mint) throw new Error(`${account} would be left with ${balance} points`)
    if (known !== undefined) known.points = balance
    else if (balance !== 0) this.byAccount.set(account, { points: balance })
    if (balance === 0) this.byAccount.delete(account)
    this.totals[kind] += points
  }
}

/** What was ever made, and where it is now. Balanced when both are the same. */
export interface Conservation {
  minted: number
  escrow: number
  earned: number
  held: number
  burnt: number
  /** Of clients, with what is reserved for their tasks and what they pledge in disputes. */
  spendable: number
}

export function conservationOf({
  mint: made,
  escrow,
  earned,
  held,
  burn,
  client,
  reserved,
  pledged,
}: Totals): Conservation {
  return { minted: 0 - made, escrow, earned, held, burnt: burn, spendable: client + reserved + pledged }
}

/**
 * What does not hold of these balances, as sentences; counts everything anew, so it is for tests and auditors.
 *
 * 1. The sum over all accounts is zero: no posting made or lost a point.
 * 2. Minted = escrow + earned + held + burnt + what clients hold.
 * 3. No account but `mint` is below zero, and the sums by kind are those of the accounts.
 */
export function violationsOf(balances: Balances): string[] {
  const found: string[] = []
  const sums = noTotals()
  let sum = 0
  for (const [account, points] of balances.accounts()) {
    sum += points
    sums[kindOf(account)] += points
    if (points < 0 && account !== mint) found.push(`${account} has ${points} points`)
  }
  if (sum !== 0) found.push(`all accounts together have ${sum} points`)
  const { minted, escrow, earned, held, burnt, spendable } = conservationOf(balances.totals)
  const kept = escrow + earned + held + burnt + spendable
  if (minted !== kept) found.push(`${minted} points were minted, and ${kept} are there`)
  for (const [kind, total] of Object.entries(balances.totals)) {
    const counted = sums[kind as AccountKind]
    if (total !== counted) found.push(`${kind} has ${counted} points, and its sum is ${total}`)
  }
  return found
}
