/**
 * Real services, end to end: a client asks a hub, whose scout asks the service that the environment configures, and a
 * model judges the answer. Whatever is not configured is skipped and says so.
 */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  configuredProviders,
  configuredService,
  type ProviderSettings,
  readProviderSettings,
} from '../../scout/providers/configured.ts'
import { rowOf, type ServiceName, serviceNames } from '../../scout/providers/dialects.ts'
import type { Provider } from '../../scout/providers/provider.ts'
import { realSystem } from '../../shared/system.ts'
import type { Offer } from '../../shared/task.ts'
import { judge } from '../support/clients/judge.ts'
import { LiveHub } from '../support/hub/live-hub.ts'

const settings = settingsHere()
const skipped = serviceNames.filter((name) => configuredService(name, settings) === null)
if (skipped.length > 0) {
  const reasons = skipped.map((name) => `${name} (${rowOf(name).variable} is not set)`)
  process.stdout.write(`Real services that are not asked: ${reasons.join(', ')}\n`)
}

function settingsHere(): ProviderSettings {
  const read = readProviderSettings(process.env)
  if (Array.isArray(read)) throw new Error(read.join(' '))
  return read
}

/** Small, cheap and good enough; where a service lacks it, the first chat model it lists. `MODEL` goes before both. */
const usual: Partial<Record<ServiceName, string>> = {
  groq: 'llama-3.1-8b-instant',
  openrouter: 'openai/gpt-oss-20b',
  openai: 'gpt-4o-mini',
}

const patienceMs = 180_000
const question = { role: 'user' as const, content: 'What is 1 + 2? Answer with one short sentence.' }
const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

async function providerFor(name: ServiceName): Promise<Provider> {
  const { providers } = await configuredProviders({ ...settings, order: [name] }, realSystem(), signal)
  return providers[0]!
}

const { signal } = new AbortController()

for (const name of serviceNames) {
  const { title, variable } = rowOf(name)
  const isThere = !skipped.includes(name)
  const reason = isThere ? '' : ` (skipped: ${variable} is not set)`

  describe.skipIf(!isThere)(`${title}${reason}`, () => {
    const hub = isThere ? new LiveHub() : null
    let client: OpenAI
    let offer: Offer

    beforeAll(async () => {
      const provider = await providerFor(name)
      const offers = (await provider.discover(signal)).filter(({ kind }) => kind === 'chat')
      offer = offers.find(({ model }) => model === usual[name]) ?? offers[0]!
      await hub!.addScout({ name: `scout-of-${name}`, providers: [provider] })
      client = new OpenAI({ baseURL: hub!.baseURL, apiKey: hub!.clientKey, maxRetries: 1 })
    }, patienceMs)
    afterAll(() => hub?.close())

    const ask = async (messages: OpenAI.ChatCompletionMessageParam[]) => {
      const { choices } = await client.chat.completions.create({ model: offer.model, messages, temperature: 0 })
      return choices[0]?.message.content ?? ''
    }

    test('answers what 1 + 2 is, in one piece', { timeout: patienceMs }, async () => {
      const verdict = await judge(ask, await ask([question]), 'It contains the right answer to 1 + 2.')
      expect(verdict).toMatchObject({ holds: true })
    })

    test('answers what 1 + 2 is in a stream, and says what it cost', { timeout: patienceMs }, async () => {
      const stream = await client.chat.completions.create({
        ...{ model: offer.model, messages: [question], temperature: 0 },
        ...{ stream: true, stream_options: { include_usage: true } },
      })
      let text = ''
      let tokens = 0
      for await (const { choices, usage } of stream) {
        text += choices[0]?.delta.content ?? ''
        tokens = usage?.total_tokens ?? tokens
      }
      expect(await judge(ask, text, 'It contains the right answer to 1 + 2.')).toMatchObject({ holds: true })
      expect(tokens).toBeGreaterThan(0)
    })

    test('a judge is not always content', { timeout: patienceMs }, async () => {
      const verdict = await judge(ask, 'It is a fine day in Oslo.', 'It contains the right answer to 1 + 2.')
      expect(verdict).toMatchObject({ holds: false })
    })

    test('calls a tool where its models can', { timeout: patienceMs }, async ({ skip }) => {
      if ((offer.abilities & 1) === 0) skip(`${offer.model} is not known to call tools`)
      const { choices } = await client.chat.completions.create({
        model: offer.model,
        messages: [{ role: 'user', content: 'Use the tool to find out what the weather is like in Oslo.' }],
        tools: [weather],
      })
      const [call] = choices[0]!.message.tool_calls ?? []
      expect(call?.type === 'function' && JSON.parse(call.function.arguments).city).toMatch(/oslo/i)
    })
  })
}
