/**
 * Removes what has outlived its time from the store, a portion at once. The brain asks for it now and then.
 */
import { quarterSlotMs, quarterSlots } from '../../../shared/limits/http.ts'
import {
  forgetPortion,
  idempotencyMs,
  retentionMs,
  servedDaysKept,
  usageDaysKept,
  usageHoursKept,
} from '../../../shared/limits/store.ts'
import { dayOf } from '../../tenants/periods.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { hourMs } from '../ports/usage.ts'

export function forgetOld(store: Store, wallMs: number): void {
  try {
    store.forgetBefore(wallMs - retentionMs, wallMs - idempotencyMs, forgetPortion)
    const [hour, day] = [Math.floor(wallMs / hourMs), dayOf(wallMs)]
    store.forgetUsage(hour - usageHoursKept, day - usageDaysKept, forgetPortion)
    const quarter = Math.floor(wallMs / quarterSlotMs)
    store.forgetReports(quarter - quarterSlots, day - servedDaysKept, forgetPortion)
  } catch (error) {
    // The store is in trouble, which the journal finds out by itself; there is another time to forget.
    if (!(error instanceof StoreError)) throw error
  }
}
