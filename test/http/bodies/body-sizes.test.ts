/** How large a body may be: of an interactive request, as the operator has set; of what is stored, always the same. */
import { afterEach, describe, expect, test } from 'vitest'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { padded, startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
afterEach(() => edge.hub.stop())

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

describe('the largest body', () => {
  const MiB = 1_048_576

  test('of an interactive request is what the operator has set; beyond it a sentence names the limit', async () => {
    edge = startEdge({ requestBytesMax: 6 * MiB })
    edge.engine.script = (answer) => answer.serve().done()
    expect((await edge.post('/v1/chat/completions', padded(chat, 6 * MiB))).status).toBe(200)
    const embeddings = { model: 'm', input: 'hi' }
    for (const [path, request] of [
      ['chat/completions', chat],
      ['embeddings', embeddings],
    ] as const) {
      const refused = await edge.post(`/v1/${path}`, padded(request, 6 * MiB + 1))
      expect(refused.status).toBe(413)
      const { error } = (await refused.json()) as { error: { code: string; message: string } }
      expect(error.code).toBe('request_too_large')
      expect(error.message).toContain(`${6 * MiB} bytes`)
      expect(error.message).toContain('REQUEST_MAX_MIB')
    }
  })

  test('of what is stored stays the same', async () => {
    edge = startEdge({ requestBytesMax: 6 * MiB })
    const virtual = { ...chat, model: 'chasm/ensemble' }
    const intent = { model: 'm', input: 'hi' }
    for (const [path, request] of [
      ['intents', intent],
      ['intents/plan', intent],
      ['chat/completions', virtual],
    ] as const) {
      const refused = await edge.post(`/v1/${path}`, padded(request, bodyBytesMax + 1))
      expect([path, refused.status]).toEqual([path, 413])
      const { error } = (await refused.json()) as { error: { code: string; message: string } }
      expect(error.code).toBe('request_too_large')
      expect(error.message).toContain(`${bodyBytesMax} bytes`)
      expect(error.message).toContain('stored')
    }
  })
})
