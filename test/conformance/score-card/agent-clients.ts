/**
 * The clients over the Responses API and over Anthropic's Messages, and the agents that are programs of their own: the
 * second half of the table in `features.ts`.
 */
import type { Client } from './features.ts'

const responses = 'responses'
const messages = 'messages'

export const agentClients: readonly Client[] = [
  {
    name: 'OpenAI SDK 7',
    over: responses,
    packages: ['openai'],
    file: 'clients/responses/openai-sdk.test.ts',
    shows: {
      responses: [
        'an answer comes whole, with usage, and can be retrieved until it is deleted',
        'an answer that was cut off is incomplete',
        'in the background it calls tools too, and its stream can be resumed',
        'a conversation is shortened and goes on',
      ],
      streams: ['the same answer comes streamed, in the order of the API'],
      tools: ['a tool is called and its result is used', 'a tool is called the same streamed as whole'],
      structured: ['a schema is kept and parsed'],
    },
  },
  {
    name: '`@openai/agents`',
    over: responses,
    packages: ['@openai/agents'],
    file: 'clients/responses/agents-sdk.test.ts',
    shows: {
      responses: ['an agent answers', 'an agent goes on after the response of its last run'],
      streams: ['an agent calls a tool and goes on with its result'],
      tools: ['an agent calls a tool and goes on with its result', 'an agent hands off to another'],
      structured: ['an agent with an output type has it parsed'],
    },
  },
  {
    name: 'AI SDK',
    over: responses,
    packages: ['ai', '@ai-sdk/openai'],
    file: 'clients/responses/ai-sdk.test.ts',
    shows: {
      responses: ['text comes whole, with usage and the reason of its end', 'a second turn goes on after the messages'],
      streams: ['the same text comes streamed, with the same usage'],
      structured: ['an object keeps its schema'],
      errors: ['an unknown model is refused at once'],
    },
  },
  {
    name: 'LangChain',
    over: responses,
    packages: ['@langchain/openai'],
    file: 'clients/responses/langchain.test.ts',
    shows: {
      responses: ['invoke answers, with usage', 'a conversation with a system message and an image reaches'],
      streams: ['stream brings the same text in pieces, and the same usage'],
      structured: ['structured output comes by'],
    },
  },
  {
    name: 'Codex',
    over: responses,
    packages: [],
    program: { name: 'codex', variable: 'CODEX' },
    file: 'clients/responses/codex.test.ts',
    shows: { tools: ['Codex writes a file and runs it'] },
  },
  {
    name: '`@anthropic-ai/sdk`',
    over: messages,
    packages: ['@anthropic-ai/sdk'],
    file: 'clients/anthropic-sdk.test.ts',
    shows: {
      messages: [
        'is answered in one piece, with usage',
        'that is too long ends at its limit',
        'tokens are counted, roughly',
      ],
      streams: ['streams to the same message, event by event and by the helper', 'in the middle of a stream'],
      tools: ['calls a tool, the same whole as streamed', 'goes the whole round with the tool runner'],
      structured: ['has the form of a schema'],
      models: ['models are listed page by page, and found by name'],
      errors: ['for keys', 'for requests, with the field and the id', 'for what the provider says of a request'],
      abort: ['a client that leaves stops the provider'],
    },
  },
  {
    name: 'Claude Code',
    over: messages,
    packages: [],
    program: { name: 'claude', variable: 'CLAUDE_CODE' },
    file: 'clients/claude-code.test.ts',
    shows: { tools: ['Claude Code writes a file and runs it, through hub and scout'] },
  },
]
