/**
 * Answers under an Idempotency-Key that live and die with their client otherwise: made once, in the store before the
 * client hears them, and given again to whoever repeats the request.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IdempotencyScope, KeptAnswer } from '../ports/client.ts'
import type { StoreWrite } from '../ports/store.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { type Journal, notWritable } from './journal.ts'

interface Keeper {
  idempotencyKeys: IdempotencyKeys
  journal: Journal
}

/** See `Engine.keepAnswer`. */
export async function keepAnswer(
  { idempotencyKeys, journal }: Keeper,
  scope: IdempotencyScope,
  make: () => Promise<KeptAnswer | Fault>,
): Promise<(KeptAnswer & { replayed: boolean }) | Fault> {
  const begun = idempotencyKeys.begin(scope)
  if (begun.type === 'refused') return begun.fault
  if (begun.type === 'replay') return { status: begun.status, body: new Uint8Array(begun.answer), replayed: true }
  try {
    // Before anyone works on an answer that could not be kept.
    if (journal.trouble !== null) return notWritable
    const made = await make()
    if ('code' in made) return made
    const isKept = await commit(journal, begun.row(made.body, made.status))
    return isKept ? { ...made, replayed: false } : notWritable
  } finally {
    begun.release()
  }
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
