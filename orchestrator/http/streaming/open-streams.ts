/**
 * The event streams that are open, by the id of the key that opened them. Streams add and remove themselves; the server
 * ends those of a key that stopped working.
 */
import { SetsByKey } from '../../../shared/sets-by-key.ts'

interface OpenStream {
  /** Ends with an error in its own form. */
  revoke(): void
}

export class OpenStreams extends SetsByKey<OpenStream> {
  revoke(key: string): void {
    for (const stream of this.of(key)) stream.revoke()
  }
}
