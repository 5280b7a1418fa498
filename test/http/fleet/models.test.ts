/** The list of models as clients of other routers read it: context, modalities, prices, parameters. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ModelListing } from '../../../orchestrator/engine/ports/client.ts'
import { abilitiesOf } from '../../../shared/task.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const plain: ModelListing = {
  ...{ id: 'acme/plain', kinds: ['chat'], scouts: 1, idle: 1, providers: ['vllm'], contextTokens: 0, abilities: 0 },
  ...{ about: '', promptPrice: null, answerPrice: null, speed: null, created: 1_700_000_000 },
}

interface Shown {
  id: string
  description?: string
  context_length: number | null
  architecture: { modality: string; input_modalities: string[]; output_modalities: string[] }
  pricing: { prompt: string; completion: string }
  top_provider: object
  supported_parameters: string[]
  chasm: { dollars_per_million_tokens?: object; abilities?: string[] }
}

async function shown(listing: Partial<ModelListing>): Promise<Shown> {
  edge.engine.modelListings = [{ ...plain, ...listing }]
  const listed = (await (await edge.ask('/v1/models')).json()) as { data: Shown[] }
  const alone = (await (await edge.ask(`/v1/models/${plain.id}`)).json()) as Shown
  expect(listed.data[0]).toEqual(alone)
  return alone
}

describe('a model shows', () => {
  test('its context, or that nobody has said how large it is', async () => {
    expect(await shown({ contextTokens: 8_192 })).toMatchObject({
      context_length: 8_192,
      top_provider: { context_length: 8_192, max_completion_tokens: null, is_moderated: false },
    })
    expect(await shown({})).toMatchObject({ context_length: null, top_provider: { context_length: null } })
  })

  const modalities: [listing: Partial<ModelListing>, modality: string, inputs: string[], outputs: string[]][] = [
    [{}, 'text->text', ['text'], ['text']],
    [{ abilities: abilitiesOf(['images']) }, 'text+image->text', ['text', 'image'], ['text']],
    [{ abilities: abilitiesOf(['images', 'audio']) }, 'text+image+audio->text', ['text', 'image', 'audio'], ['text']],
    [{ kinds: ['embed'] }, 'text->embeddings', ['text'], ['embeddings']],
  ]
  test.each(modalities)('what goes in and out: %j', async (listing, modality, input_modalities, output_modalities) => {
    const { architecture } = await shown(listing)
    expect(architecture).toEqual({
      ...{ modality, input_modalities, output_modalities },
      ...{ tokenizer: 'Other', instruct_type: null },
    })
  })

  test.each([
    [600_000, '0.0000006', 0.6],
    [1, '0.000000000001', 0.000001],
    [0, '0', 0],
    [15_000_000, '0.000015', 15],
    [10_000_000_000, '0.01', 10_000],
  ])('its prices for a token, as numbers of dollars: %d', async (price, prompt, perMillion) => {
    const { pricing, chasm } = await shown({ promptPrice: price })
    expect(pricing).toEqual({ prompt, completion: '-1' })
    expect(Number(prompt) * 1e6).toBeCloseTo(perMillion, 9)
    expect(chasm.dollars_per_million_tokens).toEqual({ prompt: perMillion, answer: null })
  })

  test('which parameters it takes', async () => {
    const { supported_parameters: few } = await shown({})
    expect(few).toEqual(expect.arrayContaining(['max_tokens', 'temperature', 'top_p', 'stop']))
    expect(few).not.toContain('tools')
    const able = await shown({ abilities: abilitiesOf(['tools', 'json']) })
    expect(able.supported_parameters).toEqual(
      expect.arrayContaining([...few, 'tools', 'tool_choice', 'response_format', 'structured_outputs']),
    )
    expect(able.chasm.abilities).toEqual(['tools', 'json'])
    expect((await shown({ kinds: ['embed'] })).supported_parameters).toEqual([])
  })

  test('what a specialist is good for', async () => {
    expect(await shown({ about: 'Reads maps.' })).toMatchObject({
      description: 'Reads maps.',
      chasm: { about: 'Reads maps.' },
    })
    expect(await shown({})).not.toHaveProperty('description')
  })
})

test('the hub’s own models show the same, and which of them call tools', async () => {
  edge.engine.modelListings = [plain]
  const { data } = (await (await edge.ask('/v1/models')).json()) as { data: Shown[] }
  const own = data.slice(1)
  expect(own.length).toBeGreaterThan(3)
  for (const model of own) {
    expect(Object.keys(model)).toEqual(expect.arrayContaining(Object.keys(data[0]!)))
    expect(model).toMatchObject({ context_length: null, pricing: { prompt: '-1', completion: '-1' } })
  }
  const able = own.filter(({ supported_parameters }) => supported_parameters.includes('tools')).map(({ id }) => id)
  expect(able).toEqual(['chasm/ensemble', 'chasm/debate', 'chasm/plan'])
})
