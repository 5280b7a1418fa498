/**
 * Requests that scouts hold now, for who looks for those that come back to the hub: where answers are carried in
 * several processes, each knows its own.
 */

/** Those of one process. */
export interface HeldRequests {
  /** Whether a scout of this owner holds one with these texts. */
  holds(owner: string, texts: number): boolean
}

/** Those of the other processes of this hub. */
export interface RequestsHeldElsewhere extends HeldRequests {
  /** Where this process's own are. */
  beside(own: HeldRequests): void
  /** This tenant asks for something. */
  asks(tenant: string): void
}

/** A scout of this operator holds a request with these texts, or does so no more. */
export type TellHeld = (operator: string, texts: number, isHeld: boolean) => void
