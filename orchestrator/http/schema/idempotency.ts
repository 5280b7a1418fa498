/**
 * The edge's part of idempotency: reads the header `Idempotency-Key`, adds the route and a hash of the body, by which
 * the engine distinguishes a repetition from another request under the same key, and decides which answers are kept.
 * The engine claims the key and keeps the answer (`engine/durability/idempotency.ts`).
 */
import { type Fault, fault, faultTable, mayPass } from '../../../shared/faults.ts'
import { idempotencyKeyCharsMax } from '../../../shared/limits/http.ts'
import type { IdempotencyScope, KeptAnswer } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { faultBody } from '../response/response.ts'

/** The scope without its tenant. */
export type Idempotency = Omit<IdempotencyScope, 'tenant'>

const header = 'Idempotency-Key'
const keyForm = new RegExp(`^[\\x21-\\x7e]{1,${idempotencyKeyCharsMax}}$`)

/** Null without the header. `body` is the request's body exactly as it arrived. */
export function idempotencyOf({ request, route }: RequestContext, body: Uint8Array): Idempotency | Fault | null {
  const key = request.headers.get(header)
  if (key === null) return null
  if (!keyForm.test(key)) {
    const form = `1 to ${idempotencyKeyCharsMax} printable ASCII characters without spaces`
    return fault('invalid_request', `The header ${header} must hold ${form}: a UUID is a good one.`, { param: header })
  }
  const bodyHash = new Bun.CryptoHasher('sha256').update(body).digest('hex')
  return { route: `${route!.method} ${route!.path}`, key, bodyHash }
}

/**
 * An answer in the form in which the engine keeps it; a failure that may pass stays a fault and is not kept. `words`
 * makes the body of a refusal.
 */
export function worthKeeping(
  made: Uint8Array<ArrayBuffer> | Fault,
  words: (fault: Fault) => string = faultBody,
): KeptAnswer | Fault {
  if (made instanceof Uint8Array) return { status: 200, body: made }
  const { status } = faultTable[made.code]
  return mayPass(made.code) ? made : { status, body: Buffer.from(words(made)) }
}
