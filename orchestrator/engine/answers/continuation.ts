/**
 * Going on with an answer at another scout: the request that asks for the rest of it, and the text that a client has
 * already got. Only for clients that opted in, and only for plain text of one choice; `http` refuses the rest.
 */

interface Continuable {
  messages: unknown[]
  max_tokens?: number | null
  max_completion_tokens?: number | null
}

/**
 * The request with the forwarded text as the assistant's unfinished turn, which the model is asked to continue;
 * `tokens` pieces of it have been forwarded.
 */
export function continuedRequest(request: Uint8Array, prefix: string, tokens: number): Uint8Array {
  const body = JSON.parse(Buffer.from(request).toString('utf8')) as Continuable
  for (const limit of ['max_tokens', 'max_completion_tokens'] as const) {
    // A piece is a token or a few, so the rest may be a little longer than the client's limit, never much.
    const most = body[limit]
    // What is not positive means no limit, or is the provider's to refuse.
    if (typeof most === 'number' && most > 0) body[limit] = Math.max(1, most - tokens)
  }
  const messages = [...body.messages, { role: 'assistant', content: prefix, prefix: true }]
  // The two switches are vLLM's, the `prefix` mark is DeepSeek's and Mistral's; others continue a trailing assistant
  // turn.
  const switches = { continue_final_message: true, add_generation_prompt: false }
  return Buffer.from(JSON.stringify({ ...body, ...switches, messages }))
}

/** The text of a checked line. */
export function textOfLine(line: Uint8Array): string {
  const { choices } = JSON.parse(Buffer.from(line).toString('utf8')) as {
    choices: { delta: { content?: unknown } }[]
  }
  const content = choices[0]?.delta.content
  return typeof content === 'string' ? content : ''
}
