/**
 * OpenAI's SDK, for every service that speaks the OpenAI dialect. A scout without such a service never loads it. Here
 * is only how this SDK is set up; `service-provider.ts` connects through it and owns the rest.
 */
import type { Service } from '../dialects.ts'
import { bounded, clientOn, type ServiceClient } from '../transport/service-client.ts'

/** Loads the SDK. */
export async function connectOpenAiCompatible(service: Service): Promise<ServiceClient> {
  const sdk = await import('openai')
  const client = new sdk.OpenAI({
    baseURL: service.baseURL,
    // The SDK insists on a key; a server that asks for none is sent none.
    apiKey: service.apiKey ?? 'none',
    defaultHeaders: service.apiKey === null ? { ...service.headers, authorization: null } : service.headers,
    // OpenAI's account in the environment is not for other services.
    adminAPIKey: null,
    ...(service.name === 'openai' ? {} : { organization: null, project: null }),
    ...bounded,
  })
  return clientOn(client, sdk)
}
