/**
 * Which requests scouts hold, as far as their operators are clients as well: each edge tells of those whose answers it
 * carries, so that a request that comes back through another edge is found, too. Only of operators that have asked for
 * something, because nobody else can bring one back: of most fleets nothing is told.
 */
import { clientsWatchedMax } from '../../shared/limits/ledger/ledger.ts'
import type { FromClients } from '../engine/ports/brain.ts'
import type { HeldRequests, RequestsHeldElsewhere } from '../engine/ports/ledger/held-requests.ts'
import { LeasedRequests } from '../ledger/points/request-memory.ts'

interface EdgeOf {
  link: { send(message: { type: 'clients'; names: string[] }): void }
}

export class HeldTexts implements RequestsHeldElsewhere {
  /** Who has asked for something since this brain was started. */
  private readonly clients = new Set<string>()
  private readonly atEdges = new Map<EdgeOf, LeasedRequests>()
  private own: HeldRequests | null = null

  /** Whose answers this process carries. */
  beside(own: HeldRequests): void {
    this.own = own
  }

  met(edge: EdgeOf): void {
    this.atEdges.set(edge, new LeasedRequests())
    if (this.clients.size > 0) edge.link.send({ type: 'clients', names: [...this.clients] })
  }

  gone(edge: EdgeOf): void {
    this.atEdges.delete(edge)
  }

  told(edge: EdgeOf, { operator, texts, isHeld }: { operator: string; texts: number; isHeld: boolean }): void {
    const held = this.atEdges.get(edge)
    if (isHeld) held?.lease(operator, texts)
    else held?.release(operator, texts)
  }

  asks(tenant: string): void {
    if (this.clients.has(tenant) || this.clients.size >= clientsWatchedMax) return
    this.clients.add(tenant)
    for (const { link } of this.atEdges.keys()) link.send({ type: 'clients', names: [tenant] })
  }

  holds(tenant: string, texts: number): boolean {
    for (const held of this.atEdges.values()) if (held.holds(tenant, texts)) return true
    return false
  }

  /** What an edge reports, with what only is known here. */
  seen(message: FromClients): FromClients {
    if (message.type === 'submit' || message.type === 'adopt') this.asks(message.tenant)
    if (message.type !== 'worked' || message.work.isLoop) return message
    const { tenant, request } = message.work
    const isLoop = this.holds(tenant, request.textsHash) || this.own?.holds(tenant, request.textsHash) === true
    return isLoop ? { ...message, work: { ...message.work, isLoop } } : message
  }
}
