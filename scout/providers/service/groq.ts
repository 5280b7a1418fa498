/**
 * The provider adapter for Groq, on the `groq-sdk`, which is far lighter than `openai`: a scout that only has a Groq
 * key never loads the other. What it has in common with the other services is in `service-provider.ts`; here is only
 * how this SDK is called and how it says what went wrong.
 */
import type { System } from '../../../shared/system.ts'
import type { Service } from '../dialects.ts'
import type { ModelNames } from '../models/model-names.ts'
import { bounded, clientOn, type ServiceClient } from '../transport/service-client.ts'
import { ServiceProvider } from './service-provider.ts'

export class GroqProvider extends ServiceProvider {
  /** `wanted` narrows the offers to these models; empty means all. */
  constructor(service: Service, wanted: readonly string[], system: System, names?: ModelNames) {
    super(service, wanted, system, () => connect(service), names)
  }
}

async function connect(service: Service): Promise<ServiceClient> {
  const sdk = await import('groq-sdk')
  const client = new sdk.Groq({
    baseURL: service.baseURL,
    apiKey: service.apiKey ?? '',
    defaultHeaders: service.headers,
    ...bounded,
  })
  return clientOn(client, sdk, detailOf)
}

/** In the middle of a stream this SDK keeps the error itself, before it the whole body. */
function detailOf(kept: unknown): unknown {
  return (kept as { error?: unknown } | null | undefined)?.error ?? kept
}
