/** Embeddings, models and completions of text. */
import { type Json, type Question, refusedWith } from './question.ts'

export function embeddingQuestions(models: readonly string[]): Question[] {
  const variants: Record<string, Json> = {
    'one text': { input: 'one' },
    'three texts': { input: ['one', 'two', 'three'] },
    tokens: { input: [1, 2, 3] },
    'lists of tokens': { input: [[1, 2], [3]] },
    'fewer dimensions': { input: 'one', dimensions: 8 },
    'floats by name': { input: 'one', encoding_format: 'float' },
  }
  const path = '/v1/embeddings'
  const form = { status: 200, schema: 'CreateEmbeddingResponse' }
  const asked = models.flatMap((model) =>
    Object.entries(variants).map(
      ([name, fields]): Question => ({
        name: `${name}, of ${model}`,
        api: 'embeddings',
        path,
        body: { model, ...fields },
        form,
      }),
    ),
  )
  const refused = (name: string, status: number, body: Json): Question => ({
    ...{ name, api: 'embeddings', path, body, form: refusedWith(status) },
  })
  return [
    ...asked,
    refused('no input', 400, { model: models[0] }),
    refused('an unknown model of embeddings', 404, { model: 'embed-17', input: 'x' }),
    refused('several models of embeddings', 400, { model: models[0], models: ['x'], input: 'x' }),
  ]
}

export function completionQuestions(models: readonly string[]): Question[] {
  const path = '/v1/completions'
  const variants: Record<string, Json> = {
    'a text to go on with': {},
    'two texts': { prompt: ['One', 'Two'] },
    'few tokens of text': { max_tokens: 3 },
  }
  return models.flatMap((model) =>
    Object.entries(variants).flatMap(([name, fields]): Question[] => {
      const body = { model, prompt: 'Once upon a time', ...fields }
      const about = { api: 'completions' as const, path }
      return [
        {
          ...about,
          name: `${name}, whole, of ${model}`,
          body,
          form: { status: 200, schema: 'CreateCompletionResponse' },
        },
        { ...about, name: `${name}, streamed, of ${model}`, body: { ...body, stream: true }, form: { stream: 'text' } },
      ]
    }),
  )
}

export function modelQuestions(models: readonly string[]): Question[] {
  const of = (name: string, path: string, form: Question['form']): Question => ({
    ...{ name, api: 'models', method: 'GET', path, form },
  })
  return [
    of('all models', '/v1/models', { status: 200, schema: 'ListModelsResponse' }),
    of('a page of models', '/v1/models?limit=1', { status: 200, schema: 'ListModelsResponse' }),
    ...models.map((model) => of(`the model ${model}`, `/v1/models/${model}`, { status: 200, schema: 'Model' })),
    of('a model that is not there', '/v1/models/gpt-17', refusedWith(404)),
    of('a page that is none', '/v1/models?limit=x', refusedWith(400)),
  ]
}
