/**
 * What was booked of a key or an account, for whoever begins to count it: what the store has, and what is on its way
 * there. A key may get limits, or be remembered again, while its last use is not written yet, for as long as a disk
 * fails; left out here it would be counted nowhere.
 */
import { dayOf } from '../../tenants/periods.ts'
import type { DaySum } from '../../tenants/spending.ts'
import type { Journal } from '../durability/journal.ts'
import type { EdgePort } from '../ports/brain.ts'
import type { StoreWrite } from '../ports/store.ts'
import { hourMs, tallyOf, type UsageReads, type UsageTally } from '../ports/usage.ts'

interface BookedUseParts {
  store: Pick<UsageReads, 'usageOfDays'>
  journal: Pick<Journal, 'unwritten'>
  edges: Pick<EdgePort, 'bookUsage'>
}

export class BookedUse {
  constructor(private readonly parts: BookedUseParts) {}

  /** From this day on; `key` is null for all of the tenant's. A day may come several times. */
  since(fromDay: number, tenant: string, key: string | null): DaySum[] {
    const { store, journal, edges } = this.parts
    edges.bookUsage()
    const sums: DaySum[] = store.usageOfDays(tenant, key, fromDay)
    for (const write of journal.unwritten()) {
      const tally = tallyIn(write)
      if (tally === null || tally.tenant !== tenant || (key !== null && tally.key !== key)) continue
      const day = dayOf(tally.hour * hourMs)
      const { promptTokens, completionTokens, microDollars } = tally
      if (day >= fromDay) sums.push({ day, tokens: promptTokens + completionTokens, microDollars })
    }
    return sums
  }
}

function tallyIn(write: StoreWrite): UsageTally | null {
  if (write.write === 'tally') return write.tally
  return write.write === 'usage' ? tallyOf(write.usage) : null
}
