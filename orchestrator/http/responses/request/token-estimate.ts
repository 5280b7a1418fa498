/**
 * About how many tokens a chat request has. The hub knows no tokenizer, because every model has its own: texts are
 * counted by their length, and what is not text by a fixed number.
 */
import { mediumTokensEstimated } from '../../../../shared/limits/http.ts'
import { charsPerToken } from '../../../../shared/limits/planner.ts'

type Json = Record<string, unknown>

/** What a chat template puts around each message. */
const tokensPerMessage = 4

export function estimatedTokens({ messages, tools, response_format: format }: Json): number {
  let chars = 0
  let media = 0
  const said = messages as Json[]
  for (const { content, tool_calls: calls } of said) {
    if (calls !== undefined) chars += JSON.stringify(calls).length
    if (typeof content === 'string') chars += content.length
    else
      for (const { type, text } of (content ?? []) as Json[]) {
        if (type === 'text') chars += (text as string).length
        else media++
      }
  }
  for (const form of [tools, format]) if (form !== undefined) chars += JSON.stringify(form).length
  return Math.ceil(chars / charsPerToken) + said.length * tokensPerMessage + media * mediumTokensEstimated
}
