/**
 * What carries messages between hubs: subjects that are published to and listened on, and nothing more. It may lose,
 * delay, repeat and reorder messages, and nothing that comes out of it is believed for having come: that is the message
 * gate's concern. `nats-bus.ts` is the adapter for NATS.
 *
 * Subjects are words with dots between, as in NATS; in a pattern `*` stands for one word.
 */

/** Either connected to a server, or apart from all of them, with the reason as a clause for people. */
export type BusState = { isConnected: true; server: string } | { isConnected: false; why: string }

/** Called within the turn in which a message came; whoever is called keeps no reference to `message`. */
export type BusListener = (subject: string, message: Uint8Array) => void

export interface HubBus {
  readonly state: BusState
  /** Calls back on each change of the state. One listener. */
  onState(listener: (state: BusState) => void): void
  /**
   * False when the message was not taken: apart from all servers, too much unconfirmed, or too large for the server. A
   * message that was taken may still be lost. The publisher itself does not get it.
   */
  publish(subject: string, message: Uint8Array): boolean
  /** From the next connection on if there is none now, through every later one, until the bus is closed. */
  subscribe(pattern: string, listener: BusListener): void
  /** Sends what was taken, as far as a server is there, and ends. */
  close(): Promise<void>
}
