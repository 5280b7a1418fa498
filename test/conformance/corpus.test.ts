/** The part of the conformance run that is fast: answers and events have the form that OpenAI publishes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientStage, openClientStage, seenEmbedModel, seenModel } from '../support/hub/client-stage.ts'
import { chatQuestions, chatRefusals } from './corpus/chat-questions.ts'
import { Corpus } from './corpus/corpus.ts'
import { completionQuestions, embeddingQuestions, modelQuestions } from './corpus/other-questions.ts'
import type { Question } from './corpus/question.ts'
import { responseLife, responseQuestions, responseRefusals } from './corpus/response-questions.ts'
import { SchemaCheck } from './schema/schema-check.ts'

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

describe('as OpenAI publishes it is every answer to', () => {
  const corpora: [what: string, questions: Question[]][] = [
    ['chats', chatQuestions(['demo-small', seenModel])],
    ['chats that are refused', chatRefusals('demo-small')],
    ['completions', completionQuestions(['demo-small', seenModel])],
    ['responses', responseQuestions(['demo-small', seenModel])],
    ['what is done with a response', responseLife('demo-small')],
    ['responses that are refused', responseRefusals('demo-small')],
    ['embeddings', embeddingQuestions(['demo-embed', seenEmbedModel])],
    ['questions about models', modelQuestions(['demo-small', seenModel, 'chasm/auto'])],
  ]
  test.each(corpora)('%s', async (_, questions) => {
    const corpus = new Corpus(stage.hub)
    await corpus.ask(questions)
    expect(corpus.result.violations).toEqual([])
    const streams = questions.filter(({ form }) => 'stream' in form).length
    expect(corpus.result.answers).toBe(questions.length - streams)
    expect(corpus.result.events).toBeGreaterThanOrEqual(3 * streams)
  })
})

describe('the check finds', () => {
  const openai = new SchemaCheck('openai')
  const choice = {
    index: 0,
    message: { role: 'assistant', content: 'x', refusal: null },
    finish_reason: 'stop',
    logprobs: null,
  }
  const answer = { id: 'a', object: 'chat.completion', created: 1, model: 'm', choices: [choice] }

  test('nothing in an answer as it should be, whatever more it holds', () => {
    expect(openai.violations('CreateChatCompletionResponse', answer)).toEqual([])
    expect(openai.violations('CreateChatCompletionResponse', { ...answer, chasm: {} })).toEqual([])
  })

  test('what is missing, of another type or another word', () => {
    const { model: _, ...unnamed } = answer
    expect(openai.violations('CreateChatCompletionResponse', unnamed)).toEqual([expect.stringContaining('model')])
    for (const wrong of [{ created: 'now' }, { object: 'chat' }, { choices: [{ ...choice, finish_reason: 'end' }] }]) {
      expect(openai.violations('CreateChatCompletionResponse', { ...answer, ...wrong }).length).toBeGreaterThan(0)
    }
  })

  test('an event that nobody has published, and one that lacks a field', () => {
    expect(openai.eventViolations({ type: 'response.cancelled' })).toEqual([expect.stringContaining('not published')])
    const delta = { type: 'response.output_text.delta', sequence_number: 1, item_id: 'i', output_index: 0 }
    expect(openai.eventViolations(delta).length).toBeGreaterThan(0)
    const whole = { ...delta, content_index: 0, delta: 'x', logprobs: [] }
    expect(openai.eventViolations(whole)).toEqual([])
  })
})
