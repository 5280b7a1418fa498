/**
 * The event streams that are open, by the id of the key that opened them. Streams add and remove themselves; the server
 * ends those of a key that stopped working.
 */
interface OpenStream {
  /** Ends with an error in its own form. */
  revoke(): void
}

export class OpenStreams {
  private readonly byKey = new Map<string, Set<OpenStream>>()

  /** `changed`: a key has more or fewer of them than before. */
  constructor(private readonly changed: (key: string) => void = () => {}) {}

  add(key: string, stream: OpenStream): void {
    const streams = this.byKey.get(key)
    if (streams === undefined) this.byKey.set(key, new Set([stream]))
    else streams.add(stream)
    this.changed(key)
  }

  /** Does nothing for one that is not there. */
  remove(key: string, stream: OpenStream): void {
    const streams = this.byKey.get(key)
    if (streams?.delete(stream) !== true) return
    if (streams.size === 0) this.byKey.delete(key)
    this.changed(key)
  }

  countOf(key: string): number {
    return this.byKey.get(key)?.size ?? 0
  }

  revoke(key: string): void {
    for (const stream of [...(this.byKey.get(key) ?? [])]) stream.revoke()
  }
}
