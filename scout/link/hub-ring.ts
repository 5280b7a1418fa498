/**
 * Which hub to dial: the one of the last session, and while that stays away the others that it named, one after the
 * other, with the configured one among them. A dial that ends without a welcome moves on to the next, and where nobody
 * listens at once: a hub that is gone costs its scouts no time beyond that over which they spread. The key goes to
 * every hub of the ring, so that one that was dialed with TLS names none without it; and only the configured one may
 * send this scout away for good.
 */
import { welcomeHubsMax } from '../../shared/limits/wire.ts'
import { finalClose, finalStatus } from '../core/refusal.ts'
import type { Dial, Socket } from './socket.ts'

export class HubRing {
  private ring: string[]
  private isWelcomed = false

  /** Endpoints. `keep` is told of those that a welcome named, when they are others than before. */
  constructor(
    private readonly home: string,
    known: readonly string[],
    private readonly keep: (endpoints: readonly string[]) => void,
  ) {
    this.ring = [...new Set([home, ...this.safe(known)])]
  }

  get endpoint(): string {
    return this.ring[0]!
  }

  get size(): number {
    return this.ring.length
  }

  /** A session begins at the hub that was dialed; these are the others. */
  welcomed(endpoints: readonly string[]): void {
    this.isWelcomed = true
    const others = this.safe(endpoints)
    // A hub that names none may have left its network.
    const ring = [...new Set([this.endpoint, ...others, this.home])]
    const isNew = ring.toSorted().join(' ') !== this.ring.toSorted().join(' ')
    this.ring = ring
    if (isNew) this.keep(ring.filter((endpoint) => endpoint !== this.home))
  }

  /** The dial, or the session that came of it, is over. */
  ended(): void {
    if (!this.isWelcomed) this.ring.push(this.ring.shift()!)
    this.isWelcomed = false
  }

  /** The hub that was dialed does not take this scout; false for the configured one, whose word is final. */
  refused(): boolean {
    if (this.endpoint === this.home) return false
    this.ring.shift()
    this.isWelcomed = true
    return true
  }

  private safe(endpoints: readonly string[]): string[] {
    const isSecure = this.home.startsWith('wss:')
    return endpoints.filter((endpoint) => !isSecure || endpoint.startsWith('wss:')).slice(0, welcomeHubsMax)
  }
}

const networkFailed = 1006

/** Dials whichever hub is next, and behind those at which nobody listens the others, each once. */
export function ringDial(ring: HubRing, dialTo: (endpoint: string) => Dial): Dial {
  return (events) => {
    let isClosed = false
    const dial = (others: number) => {
      let isOver = false
      let isOpen = false
      over = () => {
        if (!isOver) ring.ended()
        isOver = true
      }
      socket = dialTo(ring.endpoint)({
        opened() {
          isOpen = true
          events.opened()
        },
        message: (bytes) => events.message(bytes),
        refused(status) {
          const isPassedOver = finalStatus(status) !== null && ring.refused()
          over()
          if (isPassedOver)
            events.closed(networkFailed, `another hub of the network refused this scout, HTTP ${status}`)
          else events.refused(status)
        },
        closed(code, reason) {
          const isPassedOver = finalClose(code, reason) !== null && ring.refused()
          over()
          if (!isOpen && !isClosed && others > 0) dial(others - 1)
          else events.closed(isPassedOver ? networkFailed : code, reason)
        },
      })
    }
    let socket!: Socket
    let over = () => {}
    dial(ring.size - 1)
    return {
      get bufferedAmount() {
        return socket.bufferedAmount
      },
      send: (bytes) => socket.send(bytes),
      close(code, reason) {
        isClosed = true
        over()
        socket.close(code, reason)
      },
    }
  }
}
