/**
 * The full name of a scout as the hub uses it: `<tenant of its key>/<name it chose>`. The engine, the ledger and trust
 * all ask whose scout it is.
 */

/** Who operates a scout: the tenant of its key, which an account's keys share. A name without one is its own. */
export function operatorOf(scout: string): string {
  const slash = scout.indexOf('/')
  return slash < 0 ? scout : scout.slice(0, slash)
}

/** A session that stands for another hub has an operator of this form, which no tenant of a key has. */
const peerOperatorPrefix = 'hub:'

export function peerOperator(hub: string): string {
  return peerOperatorPrefix + hub
}

export function isPeerOperator(operator: string): boolean {
  return operator.startsWith(peerOperatorPrefix)
}

/** The hub that an operator stands for; null for one that stands for itself. */
export function hubOf(operator: string): string | null {
  return isPeerOperator(operator) ? operator.slice(peerOperatorPrefix.length) : null
}

/** In the place of an operator that a request excludes: all other hubs. */
export const anyPeerOperator = peerOperatorPrefix

/** The id of the scout by whose name another hub is known here. */
export function peerScout(hub: string): string {
  return `${peerOperator(hub)}/${hub}`
}
