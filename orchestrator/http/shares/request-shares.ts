/**
 * Requests under way, by the key that sent them. Each takes a descriptor, the long ones among them (streams, readers of
 * events, chats that wait) for minutes: without a share one key could take them from everybody. The server asks before
 * a request is handled, and the context of the request tells when it has ended.
 */
import { requestShareOfTenant } from '../../../shared/limits/http.ts'

export class RequestShares {
  private readonly byTenant = new Map<string, number>()

  constructor(
    /** Requests of all keys, as descriptors stand now. */
    private readonly requestsMax: () => number,
  ) {}

  /** False when this key has as many as it may; whoever gets true calls `end`, once. */
  begin(tenant: string): boolean {
    const own = this.byTenant.get(tenant) ?? 0
    // With no room at all somebody else is to blame, and the first of each key is let through to hear so.
    if (own > 0 && own >= this.requestsMax() * requestShareOfTenant) return false
    this.byTenant.set(tenant, own + 1)
    return true
  }

  end(tenant: string): void {
    const left = (this.byTenant.get(tenant) ?? 0) - 1
    // A defect: more have ended than began, and the key would have no limit from now on.
    if (left < 0) throw new Error('more requests have ended than began')
    if (left === 0) this.byTenant.delete(tenant)
    else this.byTenant.set(tenant, left)
  }
}
