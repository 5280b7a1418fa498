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

/**
 * Of the requests of a turn one in so many is asked who sent it, which costs more than all the rest here: those of one
 * connection come one behind the other.
 */
const lookEvery = 8

export class Pipelines {
  private inTurn = 0
  /** Of this turn, and only once it has so many requests that one connection may have too many of them. */
  private readonly byPeer = new Map<string, number>()
  /** Who sent the last one that was asked for. */
  private last = ''

  constructor(private readonly system: Pick<System, 'soon'>) {}

  /** Counts a request; false when its connection has sent more than it may in this turn. */
  allows(peer: () => Peer | null): boolean {
    if (this.inTurn++ === 0) this.system.soon(this.endTurn)
    if (this.inTurn < pipelinedRequestsMax || this.inTurn % lookEvery !== 0) return true
    const from = peer()
    // A Unix socket, behind which an edge has counted, or a connection that is closed by now.
    if (from === null) return true
    const connection = `${from.address} ${from.port}`
    // Two looks in a row at one connection: so are those between them.
    const count = (this.byPeer.get(connection) ?? 0) + (connection === this.last ? lookEvery : 1)
    this.last = connection
    this.byPeer.set(connection, count)
    return count <= pipelinedRequestsMax
  }

  private readonly endTurn = (): void => {
    this.inTurn = 0
    this.byPeer.clear()
    this.last = ''
  }
}
