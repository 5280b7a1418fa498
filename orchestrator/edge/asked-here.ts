/**
 * Ports of which an edge has only a part: what else they offer is the brain's, and requests that need it are forwarded
 * before they get so far. Asking for it here is a defect of this program.
 */

/** `own` in the place of the whole port; reading anything else of it throws. */
export function askedHere<Port extends object, Own extends keyof Port = never>(own: Pick<Port, Own>): Port {
  return new Proxy(own, {
    get(target, name) {
      if (name in target) return target[name as keyof typeof target]
      throw new Error(`${String(name)} was asked of an edge; only the brain has it`)
    },
  }) as unknown as Port
}
