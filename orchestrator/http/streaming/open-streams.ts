/**
 * The event streams that are open, by the key that opened them. Streams add and remove themselves; the server ends
 * those of a key that was revoked.
 */
interface OpenStream {
  /** Ends with an error in its own form. */
  revoke(): void
}

export class OpenStreams {
  private readonly byCaller = new Map<string, Set<OpenStream>>()

  add(caller: string, stream: OpenStream): void {
    const streams = this.byCaller.get(caller)
    if (streams === undefined) this.byCaller.set(caller, new Set([stream]))
    else streams.add(stream)
  }

  /** Does nothing for one that is not there. */
  remove(caller: string, stream: OpenStream): void {
    const streams = this.byCaller.get(caller)
    if (streams?.delete(stream) === true && streams.size === 0) this.byCaller.delete(caller)
  }

  revoke(caller: string): void {
    for (const stream of [...(this.byCaller.get(caller) ?? [])]) stream.revoke()
  }
}
