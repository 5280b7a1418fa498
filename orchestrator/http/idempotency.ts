/**
 * Reads what makes a request repeatable: the header `Idempotency-Key`, the route it was sent to and a hash of its body,
 * from which the engine tells a repetition from another request under the same key. What becomes of it is the engine's.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { idempotencyKeyCharsMax } from '../../shared/limits.ts'
import type { IntentSubmission } from '../engine/intents-port.ts'
import type { Exchange } from './exchange.ts'

type Idempotency = NonNullable<IntentSubmission['idempotency']>

const header = 'Idempotency-Key'
const keyForm = new RegExp(`^[\\x21-\\x7e]{1,${idempotencyKeyCharsMax}}$`)

/** Null without the header. `body` is the request's body exactly as it arrived. */
export function idempotencyOf({ request, route }: Exchange, body: Uint8Array): Idempotency | Fault | null {
  const key = request.headers.get(header)
  if (key === null) return null
  if (!keyForm.test(key)) {
    const form = `1 to ${idempotencyKeyCharsMax} printable ASCII characters without spaces`
    return fault('invalid_request', `The header ${header} must hold ${form}: a UUID is a good one.`, { param: header })
  }
  const bodyHash = new Bun.CryptoHasher('sha256').update(body).digest('hex')
  return { route: `${route!.method} ${route!.path}`, key, bodyHash }
}
