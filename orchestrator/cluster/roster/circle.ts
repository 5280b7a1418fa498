/**
 * The order in which hubs stand in for each other: a circle by name. What a hub leaves falls to the first one behind it
 * that is here, and its scouts dial the others in the same order, so that they meet their leases there. Pure.
 */

/** These hubs in the order of the circle, beginning behind this one; without it. */
export function circleBehind(hub: string, hubs: readonly string[]): string[] {
  const sorted = hubs.filter((name) => name !== hub).toSorted()
  const at = sorted.findIndex((name) => name > hub)
  return at === -1 ? sorted : [...sorted.slice(at), ...sorted.slice(0, at)]
}
