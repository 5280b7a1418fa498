/**
 * What clients may send to Anthropic's Messages API, as schemas: the form of each field, and a word about each field
 * that is not offered here. What is inside of messages and tools is checked where it is mapped (`turns.ts`,
 * `blocks.ts`, `tools.ts`). The schemas also feed `/openapi.json`.
 */
import { z } from 'zod'
import { modelCharsMax } from '../../../../shared/limits/wire.ts'
import { models, type ProviderFields, provider } from '../../schema/preferences/preference-fields.ts'
import { chasm } from '../../schema/routing-options.ts'
import { anyInteger, anyNumber, expects, flag, listOf, textUpTo } from '../../schema/validation.ts'

const textRule = 'must be a string'
const listRule = 'must be a string or a list of blocks that each have a `type`'
const typed = z.object({ type: z.string(expects(textRule)) }, expects('must be an object with a `type`'))
const content = z.union([z.string(), listOf(typed, listRule)], expects(listRule))

const turn = z.strictObject(
  {
    role: z.enum(['user', 'assistant', 'system'], expects('must be "user", "assistant" or "system"')),
    content,
  },
  expects('must be an object with a `role` and a `content`'),
)

/** Only its absence is accepted: what it asks for would be missing from the answer. */
function notOffered(advice: string) {
  return z
    .null(expects(`is not offered here: ${advice}`))
    .optional()
    .describe('Not offered.')
}

const messagesRule = 'must be a list of at least one message'
const tokensRule = expects('must be a whole number of at least 1')
const stopsRule = 'must be a list of strings'
const cacheControl = z
  .looseObject({}, expects('must be an object'))
  .nullish()
  .describe('Accepted; whether a prompt is cached is up to the provider.')

const outputFormat = z
  .strictObject(
    {
      type: z.literal('json_schema', expects('must be "json_schema"')),
      schema: z.looseObject({}, expects('must be a JSON schema')),
    },
    expects('must be an object with `type` and `schema`'),
  )
  .nullish()

const displays = z.enum(['summarized', 'omitted'], expects('must be "summarized" or "omitted"')).nullish()
const thinkingRule = 'must be {"type": "enabled", "budget_tokens": …}, {"type": "adaptive"} or {"type": "disabled"}'
const thinking = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({
        type: z.literal('enabled'),
        budget_tokens: z.int(tokensRule).min(1, tokensRule),
        display: displays,
      }),
      z.strictObject({ type: z.literal('adaptive'), display: displays }),
      z.strictObject({ type: z.literal('disabled') }),
    ],
    expects(thinkingRule),
  )
  .nullish()
  .describe('Whether the answer shows the reasoning that the provider gives.')

/** Claude Code asks for it with each request; no other edit would go without a trace. */
const contextEdit = z.looseObject(
  {
    type: z.literal(
      'clear_thinking_20251015',
      expects('must be "clear_thinking_20251015": no other edit is offered here'),
    ),
  },
  expects('must be an object with a `type`'),
)
const contextManagement = z
  .strictObject(
    { edits: listOf(contextEdit, 'must be a list of edits').nullish() },
    expects('must be an object with `edits`'),
  )
  .nullish()
  .describe('Thinking of earlier turns is never sent on, so clearing it is accepted.')

const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const

const fields = {
  model: textUpTo(modelCharsMax).describe('A name from /v1/models, virtual ones too, or `auto`.'),
  messages: listOf(turn, messagesRule).min(1, expects(messagesRule)),
  system: content.nullish(),
  tools: listOf(z.looseObject({}, expects('must be an object')), 'must be a list of tools').nullish(),
  tool_choice: z
    .strictObject(
      {
        type: z.enum(['auto', 'any', 'tool', 'none'], expects('must be "auto", "any", "tool" or "none"')),
        name: z.string(expects(textRule)).nullish(),
        disable_parallel_tool_use: flag,
      },
      expects('must be an object with a `type`'),
    )
    .nullish(),
  thinking,
  output_config: z
    .strictObject(
      {
        effort: z.enum(efforts, expects(`must be one of ${efforts.join(', ')}`)).nullish(),
        format: outputFormat,
      },
      expects('must be an object'),
    )
    .nullish(),
  output_format: outputFormat.describe('The older name of `output_config.format`.'),
  cache_control: cacheControl,
  context_management: contextManagement,
  container: notOffered('remove it'),
  // In `anthropic-errors.ts` its refusal has what the SDK's tool runner goes on without a thread by.
  thread: notOffered('send the whole conversation with each request'),
  speed: z.literal('standard', expects('must be "standard": nothing else is offered here')).nullish(),
  mcp_servers: notOffered('connect the servers to your own program, and send their tools in `tools`'),
}

export const countTokensRequest = z.strictObject(fields)

export const messagesRequest = z.strictObject({
  ...fields,
  models,
  provider,
  max_tokens: z.int(tokensRule).min(1, tokensRule).describe('The most tokens that the answer may have.'),
  stream: flag,
  stop_sequences: listOf(z.string(expects(textRule)), stopsRule).nullish(),
  temperature: anyNumber,
  top_p: anyNumber,
  top_k: anyInteger.describe('Goes on as it is: some providers know it, others refuse it.'),
  metadata: z.strictObject({ user_id: z.string(expects(textRule)).nullish() }, expects('must be an object')).nullish(),
  service_tier: z.enum(['auto', 'standard_only'], expects('must be "auto" or "standard_only"')).nullish(),
  inference_geo: notOffered('where scouts are is not known; `chasm.only` names those that may answer'),
  chasm,
})

/** The fields of a checked request that the mapping reads; what is inside of them is not checked yet. */
export interface MessagesFields {
  model: string
  messages: { role: 'user' | 'assistant' | 'system'; content: string | Record<string, unknown>[] }[]
  system?: string | Record<string, unknown>[] | null
  max_tokens?: number
  stream?: boolean | null
  stop_sequences?: string[] | null
  temperature?: number | null
  top_p?: number | null
  top_k?: number | null
  metadata?: { user_id?: string | null } | null
  service_tier?: 'auto' | 'standard_only' | null
  tools?: Record<string, unknown>[] | null
  tool_choice?: ToolChoice | null
  thinking?: { type: 'enabled' | 'adaptive' | 'disabled'; display?: 'summarized' | 'omitted' | null } | null
  output_config?: { effort?: (typeof efforts)[number] | null; format?: OutputFormat | null } | null
  output_format?: OutputFormat | null
  models?: string[] | null
  provider?: ProviderFields | null
  chasm?: Record<string, unknown> | null
}

export interface ToolChoice {
  type: 'auto' | 'any' | 'tool' | 'none'
  name?: string | null
  disable_parallel_tool_use?: boolean | null
}

interface OutputFormat {
  type: 'json_schema'
  schema: Record<string, unknown>
}
