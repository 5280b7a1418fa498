/**
 * About how many tokens a chat request has. The hub knows no tokenizer, because every model has its own: texts are
 * counted by their length, files by their size, and other media by a fixed number. The routes that count the tokens of
 * a request, of each dialect, give it the chat request that theirs becomes.
 */
import { fileBytesPerToken, mediumTokensEstimated } from '../../../shared/limits/http.ts'

type Json = Record<string, unknown>

/** What a chat template puts around each message. */
const tokensPerMessage = 4
/** Of English and of code; the planner, which must not be surprised, guesses more cautiously. */
const charsPerToken = 4
/** As how many of those a character beyond ASCII counts. */
const charsPerOther = 3

export function estimatedTokens({ messages, tools, response_format: format }: Json): number {
  let tokens = 0
  for (const { content, tool_calls: calls } of messages as Json[]) {
    tokens += tokensPerMessage + inContent(content)
    if (calls !== undefined) tokens += inText(JSON.stringify(calls))
  }
  for (const form of [tools, format]) if (form !== undefined) tokens += inText(JSON.stringify(form))
  return Math.ceil(tokens)
}

function inContent(content: unknown): number {
  if (typeof content === 'string') return inText(content)
  return ((content ?? []) as Json[]).reduce((sum, part) => sum + inPart(part), 0)
}

function inPart({ type, text, file }: Json): number {
  if (type === 'text') return inText(text as string)
  const data = (file as Json | undefined)?.file_data
  return typeof data === 'string' ? data.length / fileBytesPerToken : mediumTokensEstimated
}

function inText(text: string): number {
  let chars = 0
  for (let at = 0; at < text.length; at++) chars += text.charCodeAt(at) < 0x80 ? 1 : charsPerOther
  return chars / charsPerToken
}
