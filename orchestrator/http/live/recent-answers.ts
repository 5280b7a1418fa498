/**
 * The newest answer of each tenant that asked for one lately, for those who wait in front of the page for their first
 * request to arrive. Handlers note who served as an answer begins; the request's context, how it ended. Bounded: the
 * tenant that has not asked for longest is forgotten.
 */
import { recentTenantsMax } from '../../../shared/limits/http.ts'
import type { Served } from '../../../shared/task.ts'

interface Recent {
  /** Since this hub started, while the tenant is remembered. */
  requests: number
  last: { atMs: number; route: string; status: number; durationMs: number; served: Served | null }
}

export class RecentAnswers {
  private readonly byTenant = new Map<string, Recent>()

  note(tenant: string, last: Recent['last']): void {
    const known = this.byTenant.get(tenant)
    // Set anew, it stands last.
    this.byTenant.delete(tenant)
    this.byTenant.set(tenant, { requests: (known?.requests ?? 0) + 1, last })
    if (this.byTenant.size <= recentTenantsMax) return
    for (const oldest of this.byTenant.keys()) {
      this.byTenant.delete(oldest)
      return
    }
  }

  of(tenant: string): Recent | null {
    return this.byTenant.get(tenant) ?? null
  }
}
