/**
 * A live hub as clients meet it: one demo scout, and one scout whose OpenAI-compatible adapter stands in front of a
 * stand-in that remembers what it was asked. For the end-to-end tests of the real clients.
 */
import OpenAI, { type ClientOptions } from 'openai'
import type { HttpSettings } from '../../../orchestrator/http/request-context.ts'
import { localService } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../../shared/system.ts'
import { chunk, events, type OpenAiStandIn, startOpenAiStandIn } from '../providers/openai-stand-in.ts'
import { LiveHub } from './live-hub.ts'

/** What only the stand-in offers, so that asking for it means asking there. */
export const seenModel = 'acme/seen-1'
export const seenEmbedModel = 'acme/seen-embed'

export interface ClientStage {
  hub: LiveHub
  standIn: OpenAiStandIn
  close(): Promise<void>
}

export async function openClientStage(http: Partial<HttpSettings> = {}): Promise<ClientStage> {
  const hub = new LiveHub({ http })
  const standIn = startOpenAiStandIn({ models: [seenModel, seenEmbedModel] })
  await hub.addScout({ name: 'demo-scout' })
  await hub.addScout({ name: 'seen-scout', providers: [standInProvider(standIn)] })
  const close = async () => {
    await hub.close()
    await standIn.stop()
  }
  return { hub, standIn, close }
}

export function standInProvider(standIn: OpenAiStandIn): ServiceProvider {
  return new ServiceProvider(localService('vllm', standIn.baseURL), [], realSystem())
}

/** The official SDK with a client key; a failure is a failure at once, unless `options` say otherwise. */
export function sdkOf(hub: LiveHub, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ baseURL: hub.baseURL, apiKey: hub.clientKey, maxRetries: 0, ...options })
}

/** The request as the stand-in saw it last. */
export function lastSeen(standIn: OpenAiStandIn) {
  const seen = standIn.seen.at(-1)
  if (seen === undefined) throw new Error('the stand-in was not asked')
  return seen
}

/**
 * The stand-in's next answer never ends: `silent` it never begins, `pausing` it begins and then says nothing, `talking`
 * it says more than anyone can read. `asked` resolves as it is asked, `abandonedMs` when its caller gives up.
 */
export function neverEnding(standIn: OpenAiStandIn, manner: 'silent' | 'pausing' | 'talking') {
  const asked = Promise.withResolvers<void>()
  const abandoned = Promise.withResolvers<number>()
  standIn.script((_, signal) => {
    signal.addEventListener('abort', () => abandoned.resolve(performance.now()))
    asked.resolve()
    if (manner === 'silent') return new Promise<Response>(() => {})
    return events(async (send) => {
      await send(chunk({ role: 'assistant', content: 'Once ' }))
      while (manner === 'talking') await send(chunk({ content: 'and again '.repeat(100) }))
      await new Promise(() => {})
    })
  })
  return { asked: asked.promise, abandonedMs: abandoned.promise }
}

/** From the client's abort to the provider's notice: below every timeout that could end the request instead. */
export const abortReachesProviderMs = 20_000
