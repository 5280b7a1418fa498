/**
 * Work that is cut into steps by whoever knows it, so that the loop may do something else between two of them: the
 * lanes do a step in a turn, and a caller to whom turns do not matter does all at once. Pure.
 */

/** One step up to each `yield`, and what comes of all of them. */
export type Steps<T> = Generator<void, T, void>

/** All steps one after the other. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** Whether this is to be done in steps, and is not there already. */
export function isInSteps<T>(work: T | Steps<T>): work is Steps<T> {
  return typeof work === 'object' && work !== null && 'next' in work
}
