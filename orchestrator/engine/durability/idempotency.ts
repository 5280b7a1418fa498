/**
 * Idempotency-Keys: the same key with the same body gets the same answer, for as long as answers are kept. A request
 * claims its key, keeps its answer under it, and releases the claim when it is over. A claim is held in memory only;
 * the answer is stored in the transaction that makes it true. Intents claim keys for what they accept; `keep` serves
 * answers that are otherwise not stored. Reading the key from a request is the client edge's part.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { idempotencyMs } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import type { IdempotencyScope, KeptAnswer } from '../ports/client.ts'
import type { IdempotencyStore, StoreWrite } from '../ports/store.ts'
import { type Journal, notWritable } from './journal.ts'

export type IdempotencyClaim =
  /** First of its kind: `row` makes the write that keeps the answer; call `release` when the request is over. */
  | { type: 'go'; row: (answer: Uint8Array, status?: number) => StoreWrite; release: () => void }
  | { type: 'replay'; status: number; answer: Uint8Array }
  | { type: 'refused'; fault: Fault }

export class IdempotencyKeys {
  /** The body's hash of each request that holds a claim. */
  private readonly claimed = new Map<string, string>()

  constructor(
    private readonly store: IdempotencyStore,
    private readonly system: System,
  ) {}

  /** `isWorn` says of an answer that was kept that it does not count any more. */
  claim(
    { tenant, route, key, bodyHash }: IdempotencyScope,
    isWorn: (answer: Uint8Array) => boolean = () => false,
  ): IdempotencyClaim {
    const name = JSON.stringify([tenant, route, key])
    const running = this.claimed.get(name)
    if (running !== undefined) {
      if (running !== bodyHash) return mismatch
      const message = 'The first request with this Idempotency-Key is still under way. Try again in a moment.'
      return { type: 'refused', fault: fault('idempotency_in_flight', message, { retryAfterMs: 1_000 }) }
    }
    const known = this.store.idempotency(tenant, route, key)
    const isFresh = known !== undefined && this.system.wallMs() - known.createdMs < idempotencyMs
    if (known?.answer && isFresh && !isWorn(known.answer)) {
      if (known.bodyHash !== bodyHash) return mismatch
      return { type: 'replay', status: known.status, answer: known.answer }
    }
    this.claimed.set(name, bodyHash)
    const row = (answer: Uint8Array, status = 200): StoreWrite => {
      const createdMs = this.system.wallMs()
      return { write: 'idempotency', row: { tenant, route, key, bodyHash, createdMs, status, answer } }
    }
    return { type: 'go', row, release: () => this.claimed.delete(name) }
  }

  /** See `Engine.keepAnswer`: the answer is stored through `journal` before the client gets it. */
  async keep(
    scope: IdempotencyScope,
    journal: Journal,
    make: () => Promise<KeptAnswer | Fault>,
  ): Promise<(KeptAnswer & { replayed: boolean }) | Fault> {
    const claim = this.claim(scope)
    if (claim.type === 'refused') return claim.fault
    if (claim.type === 'replay') return { status: claim.status, body: new Uint8Array(claim.answer), replayed: true }
    try {
      // Before anyone works on an answer that could not be kept.
      if (journal.trouble !== null) return notWritable
      const made = await make()
      if ('code' in made) return made
      const isKept = await commit(journal, claim.row(made.body, made.status))
      return isKept ? { ...made, replayed: false } : notWritable
    } finally {
      claim.release()
    }
  }
}

const mismatch: IdempotencyClaim = {
  type: 'refused',
  fault: fault('idempotency_mismatch', 'This Idempotency-Key was used with another request: take a new key.'),
}

function commit(journal: Journal, row: StoreWrite): Promise<boolean> {
  return new Promise((resolve) => {
    journal.promise(
      [row],
      () => resolve(true),
      () => resolve(false),
    )
  })
}
