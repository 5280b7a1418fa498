/**
 * The secret of a lease, by which a settlement proves that it comes from the scout that the lease was given to.
 */

/** Whether a lease's nonce is this one, in time that does not depend on where they differ. */
export function sameNonce(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}
