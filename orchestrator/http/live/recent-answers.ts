/**
 * The newest answer of each tenant that asked for one lately, for those who wait in front of the page for their first
 * request to arrive. Handlers note who served as an answer begins; the request's context, how it ended. Bounded: the
 * tenant that has not asked for longest is forgotten.
 */
import { recentTenantsMax } from '../../../shared/limits/http.ts'
import type { Served } from '../../../shared/task.ts'

export interface Recent {
  /** Since this hub started, while the tenant is remembered. */
  requests: number
  last: { atMs: number; route: string; status: number; durationMs: number; served: Served | null }
}

export class RecentAnswers {
  private readonly byTenant = new Map<string, Recent>()

  note(tenant: string, last: Recent['last']): void {
    this.add(tenant, { requests: 1, last })
  }

  /** What another process has noted. */
  add(tenant: string, { requests, last }: Recent): void {
    const known = this.byTenant.get(tenant)
    const newest = known !== undefined && known.last.atMs > last.atMs ? known.last : last
    // Set anew, it stands last.
    this.byTenant.delete(tenant)
    this.byTenant.set(tenant, { requests: (known?.requests ?? 0) + requests, last: newest })
    if (this.byTenant.size <= recentTenantsMax) return
    for (const oldest of this.byTenant.keys()) {
      this.byTenant.delete(oldest)
      return
    }
  }

  /** What was noted since the last time. */
  take(): [tenant: string, Recent][] {
    const all = [...this.byTenant]
    this.byTenant.clear()
    return all
  }

  of(tenant: string): Recent | null {
    return this.byTenant.get(tenant) ?? null
  }
}
