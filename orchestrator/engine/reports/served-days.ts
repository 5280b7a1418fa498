/**
 * What scouts served, on its way to the store: the core's sums are taken every minute and written down by the UTC day.
 * What is taken in the first minute of a day may have been served in the last one before it.
 */
import type { System } from '../../../shared/system.ts'
import type { ServedSums } from '../../core/stats/served-sums.ts'
import { dayOf } from '../../tenants/periods.ts'
import type { Journal } from '../durability/journal.ts'

export class ServedDays {
  constructor(
    private readonly sums: ServedSums,
    private readonly journal: Pick<Journal, 'lazily'>,
    private readonly system: Pick<System, 'wallMs'>,
  ) {}

  flush(): void {
    const day = dayOf(this.system.wallMs())
    for (const { scout, done, failed, tokens, busyMs } of this.sums.take()) {
      const served = { day, done, failed, tokens: Math.round(tokens), busyMs: Math.round(busyMs) }
      this.journal.lazily({ write: 'served', scout, served })
    }
  }
}
