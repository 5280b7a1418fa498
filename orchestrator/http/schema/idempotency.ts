/**
 * Requests that can be repeated without being done twice. Reads the header `Idempotency-Key`, the route it was sent to
 * and a hash of the body, from which the engine tells a repetition from another request under the same key; and says
 * which answers are worth keeping. The keeping itself is the engine's.
 */
import { type Fault, fault, faultTable } from '../../../shared/faults.ts'
import { idempotencyKeyCharsMax } from '../../../shared/limits/http.ts'
import type { IdempotencyScope, KeptAnswer } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { faultBody } from '../response/response.ts'

/** All but whose it is. */
type Idempotency = Omit<IdempotencyScope, 'tenant'>

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

/** What is made under a key as the engine keeps it: a failure that may pass is not an answer to be given again. */
export function worthKeeping(made: Uint8Array<ArrayBuffer> | Fault): KeptAnswer | Fault {
  if (made instanceof Uint8Array) return { status: 200, body: made }
  const { status } = faultTable[made.code]
  const mayPass = status >= 500 || status === 429 || status === 499
  return mayPass ? made : { status, body: Buffer.from(faultBody(made)) }
}
