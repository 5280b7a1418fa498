/**
 * Going on with an answer at another scout: the request that asks for the rest of it, and the text that a client has
 * already got. Only for clients that opted in, and only for plain text of one choice; `http` refuses the rest.
 */

/** The request with the forwarded text as the assistant's unfinished turn, which the model is asked to continue. */
export function continuedRequest(request: Uint8Array, prefix: string): Uint8Array {
  const body = JSON.parse(Buffer.from(request).toString('utf8')) as { messages: unknown[] }
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
