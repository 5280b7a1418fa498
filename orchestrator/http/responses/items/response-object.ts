/**
 * The Response object: every field that OpenAI's and Open Responses' descriptions require, of which many repeat the
 * request. `Echo` is that part of it; it is kept with a stored response.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { faultTable } from '../../../../shared/faults.ts'
import type { ResponseFields } from '../../schema/response-request.ts'
import { usageOf } from './usage.ts'

type Json = Record<string, unknown>

/** Fields of a response that its request decides. */
export type Echo = Json

export type Status = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

/** Fields of a response that change. */
export interface ResponseState {
  id: string
  /** Seconds since 1970. */
  createdAt: number
  completedAt: number | null
  status: Status
  /** Who serves it, once that is known; what was asked for until then. */
  model: string
  output: readonly Json[]
  /** A chat completion's. */
  usage: unknown
  fault: Fault | null
  /** Why it is incomplete. */
  reason: string | null
  serviceTier: unknown
  store: boolean
  chasm?: unknown
}

export function echoOf(fields: Partial<ResponseFields>): Echo {
  const { text, reasoning, tools } = fields
  return {
    background: fields.background === true,
    instructions: fields.instructions ?? null,
    max_output_tokens: fields.max_output_tokens ?? null,
    max_tool_calls: fields.max_tool_calls ?? null,
    metadata: fields.metadata ?? {},
    parallel_tool_calls: fields.parallel_tool_calls ?? true,
    previous_response_id: fields.previous_response_id ?? null,
    prompt_cache_key: fields.prompt_cache_key ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    safety_identifier: fields.safety_identifier ?? null,
    temperature: fields.temperature ?? 1,
    top_p: fields.top_p ?? 1,
    presence_penalty: fields.presence_penalty ?? 0,
    frequency_penalty: fields.frequency_penalty ?? 0,
    top_logprobs: fields.top_logprobs ?? 0,
    text: { format: formatOf(text?.format ?? null), ...(text?.verbosity && { verbosity: text.verbosity }) },
    tool_choice: fields.tool_choice ?? 'auto',
    tools: (tools ?? []).map(shownTool),
    truncation: 'disabled',
    ...(fields.user && { user: fields.user }),
  }
}

function formatOf(format: Json | null): Json {
  if (format === null) return { type: 'text' }
  if (format.type !== 'json_schema') return format
  const { type, name, description, schema, strict } = format
  // One description of the API requires it, and the other one a string.
  return {
    type,
    name,
    description: typeof description === 'string' ? description : '',
    schema,
    strict: strict ?? false,
  }
}

function shownTool(tool: Json): Json {
  if (tool.type !== 'function') return tool
  const { type, name, description, parameters, strict } = tool
  return { type, name, description: description ?? null, parameters: parameters ?? null, strict: strict ?? null }
}

export function responseObject(echo: Echo, state: ResponseState): Json {
  const { id, createdAt, completedAt, status, fault, reason, model, output, usage, serviceTier, store, chasm } = state
  return {
    id,
    object: 'response',
    created_at: createdAt,
    completed_at: completedAt,
    status,
    error: fault === null ? null : shownError(fault),
    incomplete_details: reason === null ? null : { reason },
    model,
    output,
    usage: usageOf(usage),
    service_tier: typeof serviceTier === 'string' ? serviceTier : 'default',
    store,
    ...echo,
    ...(chasm !== undefined && { chasm }),
  }
}

/** Only codes that the API has published; the sentence says more. */
export function shownError({ code, message }: Fault): Json {
  return { code: errorCodeOf(code), message }
}

function errorCodeOf(code: Fault['code']): string {
  const { status } = faultTable[code]
  if (status === 429 || code === 'provider_rate_limited') return 'rate_limit_exceeded'
  return status >= 500 ? 'server_error' : 'invalid_prompt'
}

/** How a chat completion ended, as a response has it. */
export function endingOf(finishReason: unknown): { status: 'completed' | 'incomplete'; reason: string | null } {
  if (finishReason === 'length') return { status: 'incomplete', reason: 'max_output_tokens' }
  if (finishReason === 'content_filter') return { status: 'incomplete', reason: 'content_filter' }
  return { status: 'completed', reason: null }
}
