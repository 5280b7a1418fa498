/**
 * The full name of a scout as the hub uses it: `<tenant of its key>/<name it chose>`. The engine, the ledger and trust
 * all ask whose scout it is.
 */

/** Who operates a scout: the tenant of its key, which an account's keys share. A name without one is its own. */
export function operatorOf(scout: string): string {
  const slash = scout.indexOf('/')
  return slash < 0 ? scout : scout.slice(0, slash)
}
