/**
 * The provider adapter for every service that speaks the OpenAI dialect, on the `openai` SDK. The SDK is loaded at the
 * first request, so that a scout without such a service does not pay for it. What such services have in common is in
 * `service-provider.ts`; here is only how this SDK is called and how it says what went wrong.
 */
import type { System } from '../../../shared/system.ts'
import type { Service } from '../dialects.ts'
import type { ModelNames } from '../models/model-names.ts'
import { bounded, clientOn, type ServiceClient } from '../transport/service-client.ts'
import { ServiceProvider } from './service-provider.ts'

export class OpenAiCompatibleProvider extends ServiceProvider {
  /** `wanted` narrows the offers to these models; empty means all. */
  constructor(service: Service, wanted: readonly string[], system: System, names?: ModelNames) {
    super(service, wanted, system, () => connect(service), names)
  }
}

async function connect(service: Service): Promise<ServiceClient> {
  const sdk = await import('openai')
  const client = new sdk.OpenAI({
    baseURL: service.baseURL,
    // The SDK insists on a key; a server that asks for none is sent none.
    apiKey: service.apiKey ?? 'none',
    defaultHeaders: service.apiKey === null ? { ...service.headers, authorization: null } : service.headers,
    // What the environment says of OpenAI's account is nobody else's to see.
    adminAPIKey: null,
    ...(service.name === 'openai' ? {} : { organization: null, project: null }),
    ...bounded,
  })
  return clientOn(client, sdk, (kept) => kept)
}
