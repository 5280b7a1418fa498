/**
 * What is kept of trust: one row for each scout and model, and what is known about models. Both hold JSON whose form is
 * the trust desk's to know.
 */
export interface TrustRow {
  /** The durable identity. */
  scout: string
  model: string
  /** When it was changed last, milliseconds since 1970. */
  bookedMs: number
  /** JSON of an object. */
  record: string
}

/** Something remembered under a name. */
export interface TrustMemoryRow {
  name: string
  bookedMs: number
  /** JSON. */
  body: string
}

export type TrustWrite =
  /** Adds or replaces the row of this scout and model. */
  | { write: 'trust'; row: TrustRow }
  /** Adds or replaces the row of this name. */
  | { write: 'trustMemory'; row: TrustMemoryRow }

export interface TrustStore {
  /** The newest ones, newest first. */
  trustRows(limit: number): TrustRow[]
  trustMemory(limit: number): TrustMemoryRow[]
  /** Removes up to `limit` rows of each kind that were changed before this time. Returns how many went. */
  forgetTrust(bookedMs: number, limit: number): number
}
