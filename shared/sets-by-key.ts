/**
 * What is open of each key: streams at the client edge, sessions of scouts at the gateway. Whatever is open adds and
 * removes itself; a key with nothing open is not remembered.
 */
export class SetsByKey<Item> {
  private readonly sets = new Map<string, Set<Item>>()

  /** `changed`: a key has more or fewer open than before. */
  constructor(private readonly changed: (key: string) => void = () => {}) {}

  add(key: string, item: Item): void {
    const known = this.sets.get(key)
    if (known === undefined) this.sets.set(key, new Set([item]))
    else known.add(item)
    this.changed(key)
  }

  /** Does nothing for one that is not there. */
  remove(key: string, item: Item): void {
    const known = this.sets.get(key)
    if (known?.delete(item) !== true) return
    if (known.size === 0) this.sets.delete(key)
    this.changed(key)
  }

  /** A list of its own, so that each may be removed meanwhile. */
  of(key: string): Item[] {
    return [...(this.sets.get(key) ?? [])]
  }

  countOf(key: string): number {
    return this.sets.get(key)?.size ?? 0
  }
}
