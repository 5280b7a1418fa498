/**
 * Requests that one connection sends without waiting for their answers. The runtime hands over all that have come with
 * one read of the socket within one turn of the loop, thousands perhaps, and everybody else waits for them. The server
 * asks before a request is handled; what is refused with `Connection: close` is the last that the runtime hands over.
 */
import { pipelinedRequestsMax } from '../../../shared/limits/http.ts'
import type { System } from '../../../shared/system.ts'

/** As the runtime tells it. */
interface Peer {
  address: string
  port: number
}

export class Pipelines {
  private inTurn = 0
  /** Of this turn, and only once it has so many requests that one connection may have too many of them. */
  private readonly byPeer = new Map<string, number>()

  constructor(private readonly system: Pick<System, 'soon'>) {}

  /** Counts a request; false when its connection has sent more than it may in this turn. */
  allows(peer: () => Peer | null): boolean {
    if (this.inTurn++ === 0) this.system.soon(this.endTurn)
    // To find out who sent it costs more than the count: few turns have so many requests.
    if (this.inTurn <= pipelinedRequestsMax) return true
    const from = peer()
    // A Unix socket, behind which an edge has counted, or a connection that is closed by now.
    if (from === null) return true
    const connection = `${from.address} ${from.port}`
    const count = (this.byPeer.get(connection) ?? 0) + 1
    this.byPeer.set(connection, count)
    return count <= pipelinedRequestsMax
  }

  private readonly endTurn = (): void => {
    this.inTurn = 0
    this.byPeer.clear()
  }
}
