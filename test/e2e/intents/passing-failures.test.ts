/** What is sent again with its Idempotency-Key after it failed for something that has passed is done again. */
import { expect, onTestFinished, test } from 'vitest'
import {
  type AnswerWriter,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../../../scout/providers/provider.ts'
import { fault } from '../../../shared/faults.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'

/** Its machine is down, until it is not. */
class DownProvider extends CountingProvider {
  isDown = true

  override answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    if (!this.isDown) return super.answer(request, writer, signal)
    this.asked.push(request.model)
    return Promise.reject(new ProviderError(fault('provider_unavailable', 'The machine of the provider is down.')))
  }
}

const messages = [{ role: 'user', content: 'What is a chasm? Who crosses it? Compare both answers.' }]

test.each([
  ['a virtual model', '/v1/chat/completions', { model: 'chasm/ensemble', messages }],
  ['a response in the foreground', '/v1/responses', { model: 'm', input: 'What is a chasm?' }],
  ['a plain chat', '/v1/chat/completions', { model: 'm', messages }],
])('%s', async (_, path, body) => {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  const provider = new DownProvider({ models: ['m'] })
  await live.addScout({ name: 'ant', providers: [provider] })
  const ask = () => live.post(path, body, { headers: { 'idempotency-key': 'k' } })
  const failed = await ask()
  expect(failed.status).toBe(502)
  expect(await failed.text()).toContain('The machine of the provider is down.')
  provider.isDown = false
  const answered = await ask()
  expect(answered.status).toBe(200)
  const asked = provider.asked.length
  expect(await (await ask()).text()).toBe(await answered.text())
  expect(provider.asked).toHaveLength(asked)
})
