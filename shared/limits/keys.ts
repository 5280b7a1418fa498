/**
 * API keys.
 */

/** Good keys the hub remembers between requests (200 bytes each); beyond it the oldest is looked up anew. */
export const keyCacheMax = 10_000

/** Characters of ADMIN_KEY, a credential people choose: too short is guessable, longer is refused at the start. */
export const adminKeyCharsMin = 32
export const adminKeyCharsMax = 256

/** Turns in the queue one key may get for each one of another's; outside of it making the key is 400. */
export const keyWeightMin = 0.1
export const keyWeightMax = 100
