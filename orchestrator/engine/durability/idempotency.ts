/**
 * Idempotency-Keys: the same key with the same body gets the same answer, for as long as answers are kept. While the
 * first request is under way its key is only in memory; with the answer it goes into the store, in the transaction that
 * makes the answer true.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { idempotencyMs } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import type { IdempotencyScope } from '../ports/client.ts'
import type { IdempotencyStore, StoreWrite } from '../ports/store.ts'

export type IdempotencyClaim =
  /** First of its kind: `row` makes the write that keeps the answer; call `release` when the request is over. */
  | { type: 'go'; row: (answer: Uint8Array, status?: number) => StoreWrite; release: () => void }
  | { type: 'replay'; status: number; answer: Uint8Array }
  | { type: 'refused'; fault: Fault }

export class IdempotencyKeys {
  private readonly inFlight = new Map<string, string>()

  constructor(
    private readonly store: IdempotencyStore,
    private readonly system: System,
  ) {}

  begin({ tenant, route, key, bodyHash }: IdempotencyScope): IdempotencyClaim {
    const name = JSON.stringify([tenant, route, key])
    const running = this.inFlight.get(name)
    if (running !== undefined) {
      if (running !== bodyHash) return mismatch
      const message = 'The first request with this Idempotency-Key is still under way. Try again in a moment.'
      return { type: 'refused', fault: fault('idempotency_in_flight', message, { retryAfterMs: 1_000 }) }
    }
    const known = this.store.idempotency(tenant, route, key)
    if (known?.answer && this.system.wallMs() - known.createdMs < idempotencyMs) {
      if (known.bodyHash !== bodyHash) return mismatch
      return { type: 'replay', status: known.status, answer: known.answer }
    }
    this.inFlight.set(name, bodyHash)
    const row = (answer: Uint8Array, status = 200): StoreWrite => {
      const createdMs = this.system.wallMs()
      return { write: 'idempotency', row: { tenant, route, key, bodyHash, createdMs, status, answer } }
    }
    return { type: 'go', row, release: () => this.inFlight.delete(name) }
  }
}

const mismatch: IdempotencyClaim = {
  type: 'refused',
  fault: fault('idempotency_mismatch', 'This Idempotency-Key was used with another request: take a new key.'),
}
