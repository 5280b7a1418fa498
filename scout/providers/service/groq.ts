/**
 * Groq's own SDK, which is far lighter than `openai`: a scout that only has a Groq key never loads the other. Here is
 * only how this SDK is set up; `service-provider.ts` connects through it and owns the rest.
 */
import type { Service } from '../dialects.ts'
import { bounded, clientOn, type ServiceClient } from '../transport/service-client.ts'

/** Loads the SDK. */
export async function connectGroq(service: Service): Promise<ServiceClient> {
  const sdk = await import('groq-sdk')
  const client = new sdk.Groq({
    baseURL: service.baseURL,
    apiKey: service.apiKey ?? '',
    defaultHeaders: service.headers,
    ...bounded,
  })
  return clientOn(client, sdk)
}
