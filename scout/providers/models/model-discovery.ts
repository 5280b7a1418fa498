/**
 * Asks a service what it has: its key first where the list is open to everyone, then the list, then the details that
 * only some have. A server without a list, or with nothing in it, offers what the operator named. Called by
 * `service-provider.ts`, at discovery and when a model is in doubt.
 */
import type { Offer } from '../../../shared/task.ts'
import { rowOf, type Service } from '../dialects.ts'
import type { ProviderError } from '../provider.ts'
import { isObject } from '../transport/json-object.ts'
import type { ServiceClient } from '../transport/service-client.ts'
import { readDetails } from './model-details.ts'
import { type ListedModel, readModelList } from './model-list.ts'
import { offerNamed } from './model-offers.ts'

/** Makes of an answer that is no list an error. */
interface ListErrors {
  bad(what: string): ProviderError
  said(status: number | null, error: unknown, headers: Headers | null): ProviderError
}

/** What a server answers that has no such address. */
const noSuchAddress: ReadonlySet<number> = new Set([404, 405, 501])

/** What the service lists; null when it has no list at all. Throws when it cannot be asked, or does not take the key. */
export async function listedModels(
  service: Service,
  client: ServiceClient,
  errors: ListErrors,
  signal: AbortSignal,
): Promise<readonly ListedModel[] | null> {
  const { keyPath } = rowOf(service.name)
  if (keyPath !== null) await (await client.get(keyPath, signal)).body?.cancel()
  let response: Response
  try {
    response = await client.get('/models', signal)
  } catch (error) {
    const said = client.read(error)
    if (said !== null && typeof said === 'object' && noSuchAddress.has(said.status ?? 0)) return null
    throw error
  }
  const answer: unknown = await response.json()
  if (isObject(answer) && answer.error) throw errors.said(null, answer, response.headers)
  const models = readModelList(answer)
  if (models === null) throw errors.bad('answered with something that is not a list of models')
  return readDetails(models, service, client, signal)
}

/** What the operator named, where the service lists nothing; null where there is a list to choose from. */
export function offersNamed(
  listed: readonly ListedModel[] | null,
  service: Service,
  wanted: readonly string[],
): Offer[] | null {
  if (wanted.length === 0 || (listed !== null && listed.length > 0)) return null
  return wanted.map((name) => offerNamed(name, service))
}
