/**
 * A request for a text completion, as clients older than chat send it, and the chat request that stands for one of its
 * prompts. Fields that both dialects have go on unread; those that only this one has are mapped or refused by name.
 */
import { z } from 'zod'
import { promptsMax } from '../../../shared/limits/http.ts'
import { chatRequest } from '../schema/openai-requests.ts'
import { obstacleToContinue } from '../schema/routing-options.ts'
import { expects, integerFrom, listOf } from '../schema/validation.ts'

type Json = Record<string, unknown>

const logprobsMax = 20
const textRule = expects('must be a string')
const promptsRule = `must be a string or a list of 1 to ${promptsMax} strings; tokens are not offered here`

function notOffered(advice: string) {
  return z
    .null(expects(`is not offered here: ${advice}`))
    .optional()
    .describe('Not offered.')
}

const { model, models, provider, stream, stream_options, n, temperature, top_p, max_tokens, stop, seed, chasm } =
  chatRequest.shape
const { presence_penalty, frequency_penalty } = chatRequest.shape

export const completionRequest = z
  .object({
    ...{ model, models, provider, stream, stream_options, n, temperature, top_p, max_tokens, stop, seed, chasm },
    ...{ presence_penalty, frequency_penalty },
    prompt: z.union(
      [
        z.string(),
        listOf(z.string(expects('must be a string: tokens are not offered here')), promptsRule, promptsMax).min(
          1,
          expects(promptsRule),
        ),
      ],
      expects(promptsRule),
    ),
    suffix: z.string(textRule).nullish().describe('What follows the text; the model is told so in an instruction.'),
    logprobs: integerFrom(0, logprobsMax).describe('How many alternatives to show for each token.'),
    echo: z.literal(false, expects('is not offered here: put the prompt in front of the answer yourself')).nullish(),
    best_of: integerFrom(1),
    messages: notOffered('use POST /v1/chat/completions for them'),
    tools: notOffered('use POST /v1/chat/completions for them'),
  })
  .superRefine((sent, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (!sent.model && !sent.models) refuse(['model'], 'is required: it must be the name of a model')
    if (sent.stream_options && sent.stream !== true) {
      refuse(['stream_options'], 'is only allowed together with `stream: true`: remove it, or stream')
    }
    if ((sent.best_of ?? null) !== null && sent.best_of !== (sent.n ?? 1)) {
      refuse(['best_of'], 'is not offered here: ask for `n` answers and choose yourself')
    }
    const { stream: isStream, n: count } = sent
    const obstacle = sent.chasm?.continue
      ? obstacleToContinue({ stream: isStream, n: count, logprobs: typeof sent.logprobs === 'number' })
      : null
    if (obstacle !== null) refuse(['chasm', 'continue'], obstacle)
  })

/** The fields of a checked request that this side reads. */
export interface TextFields extends Json {
  model?: string
  prompt: string | string[]
  suffix?: string | null
  logprobs?: number | null
  n?: number | null
  stream?: boolean | null
  stream_options?: { include_usage?: boolean | null } | null
}

export function promptsOf({ prompt }: TextFields): string[] {
  return typeof prompt === 'string' ? [prompt] : prompt
}

/** The chat request of one prompt. */
export function chatOf(sent: TextFields, prompt: string): Json {
  const {
    prompt: _prompt,
    suffix,
    logprobs,
    max_tokens: tokens,
    echo: _echo,
    best_of: _bestOf,
    messages: _m,
    tools: _t,
    ...same
  } = sent
  const before = suffix ? [{ role: 'system', content: insertion(suffix) }] : []
  return {
    ...same,
    messages: [...before, { role: 'user', content: prompt }],
    // Scouts put it in the words of their service.
    ...((tokens ?? null) !== null && { max_completion_tokens: tokens }),
    ...(typeof logprobs === 'number' && { logprobs: true, top_logprobs: logprobs }),
  }
}

/** Chat models have no place for a suffix. */
function insertion(suffix: string): string {
  const task = 'Continue the text of the user so that it leads to the text below. Answer with what belongs between them'
  return `${task}, and with nothing else.\n\n${suffix}`
}
