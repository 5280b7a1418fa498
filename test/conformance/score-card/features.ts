/**
 * Which test of which client shows which feature: the table behind the score card. The titles are those of the tests in
 * `test/e2e`; `features.test.ts` fails when one of them is not there any more.
 */

export const features = {
  chat: 'chat',
  streams: 'streams',
  tools: 'tools',
  structured: 'structured output',
  embeddings: 'embeddings',
  models: 'models',
  responses: 'responses',
  messages: 'messages',
  errors: 'errors',
  abort: 'abort',
} as const
export type Feature = keyof typeof features

export interface Client {
  name: string
  /** How it reaches the hub, for the reader. */
  over: string
  packages: readonly string[]
  /** One that is no package of this project: its name in PATH, and the variable that names it otherwise. */
  program?: { name: string; variable: string }
  /** Below `test/e2e`. */
  file: string
  /** Words that all its tests' names begin with, where one file judges several clients. */
  within?: string
  /** Part of the titles of the tests that show a feature. */
  shows: Partial<Record<Feature, readonly string[]>>
}

const versions = {
  file: 'clients/openai-versions.test.ts',
  shows: {
    chat: ['is answered whole and in pieces alike'],
    streams: ['is answered whole and in pieces alike', 'meets a stream that breaks off as an error'],
    tools: ['runs tools to the end'],
    structured: ['gets an answer in the form of a schema'],
    embeddings: ['gets vectors of'],
    models: ['lists the models, and finds one'],
    errors: ['meets refusals as errors of its own', 'tries again what may pass, and not what may not'],
    abort: ['stops the provider when it aborts in the middle'],
  },
} as const

export const chatClients: readonly Client[] = [
  { name: 'OpenAI SDK 6', over: 'chat completions', packages: ['openai-6'], within: 'openai 6', ...versions },
  { name: 'OpenAI SDK 7', over: 'chat completions', packages: ['openai'], within: 'openai 7', ...versions },
  {
    name: 'AI SDK, `@ai-sdk/openai`',
    over: 'chat completions',
    packages: ['ai', '@ai-sdk/openai'],
    file: 'clients/ai-openai.test.ts',
    shows: {
      chat: ['text comes whole and streamed alike, with usage'],
      streams: ['text comes whole and streamed alike, with usage'],
      tools: ['an agent calls a tool and uses its answer'],
      structured: ['an object comes in the form of a zod schema'],
      embeddings: ['vectors of'],
      errors: ['refusals arrive as API call errors that are not to be retried'],
      abort: ['an abort in the middle reaches the provider'],
    },
  },
  {
    name: 'AI SDK, `@ai-sdk/openai-compatible`',
    over: 'chat completions',
    packages: ['ai', '@ai-sdk/openai-compatible'],
    file: 'clients/ai-sdk.test.ts',
    shows: {
      chat: ['text comes whole, with usage and the reason of its end', 'an image reaches the provider as it was sent'],
      streams: ['the same text comes streamed, with the same usage', 'a stream that breaks off is an error part'],
      tools: ['a tool is called and its answer used, in two steps'],
      structured: ['an object comes in the form of a zod schema, whole and streamed'],
      embeddings: ['embeddings of'],
      errors: ['for an unknown model, not to be retried', 'for a bad key, not to be retried', 'where it refused'],
      abort: ['an abort in mid-stream reaches the provider'],
    },
  },
  {
    name: 'LangChain, `ChatOpenAI`',
    over: 'chat completions',
    packages: ['@langchain/openai', '@langchain/core'],
    file: 'clients/langchain.test.ts',
    shows: {
      chat: ['invoke answers, with usage', 'an image reaches the provider as it was sent'],
      streams: ['stream brings the same text in pieces', 'a stream that breaks off is an error'],
      tools: ['a bound tool is called and its answer used'],
      structured: ['structured output comes by'],
      embeddings: ['embeddings of'],
      errors: ['refusals arrive with their status and sentence'],
      abort: ['an abort in mid-stream reaches the provider'],
    },
  },
  {
    name: 'LangChain, agents',
    over: 'chat completions',
    packages: ['langchain', '@langchain/openai'],
    file: 'clients/langchain-agents.test.ts',
    shows: {
      chat: ['calls its tool once and answers with what it said'],
      streams: ['streams its steps and its words'],
      tools: ['calls its tool once and answers with what it said', 'streams its steps and its words'],
    },
  },
  {
    name: 'OpenRouter SDK',
    over: 'chat completions',
    packages: ['@openrouter/sdk'],
    file: 'clients/openrouter-sdk.test.ts',
    shows: {
      chat: ['a chat is answered by the first of several models that can'],
      streams: ['a chat is answered by the first of several models that can'],
      models: ['models are listed with context, modalities, prices and parameters'],
    },
  },
  {
    name: 'OpenAI SDK 7 in Chromium',
    over: 'chat completions, from another origin',
    packages: ['openai', 'playwright-core'],
    file: 'browser/browser.test.ts',
    shows: {
      chat: ['is answered, and reads the headers that it needs'],
      streams: ['reads a stream piece by piece'],
      embeddings: ['lists models and gets vectors'],
      models: ['lists models and gets vectors'],
      errors: ['reads why it is refused'],
      abort: ['stops the provider when it goes away in the middle'],
    },
  },
]
