/**
 * The chat request that asks a model to sum a conversation up. The conversation is quoted in one message, so that the
 * model writes about it instead of going on with it, and so that providers need not know its tools.
 */
type Json = Record<string, unknown>

const wish =
  'You are given a conversation between a user and an assistant. Write a summary of it from which the assistant can ' +
  'go on without having read it: what the user wants, what has been decided and done, facts and names and file paths ' +
  'that will be needed, results of tools that still matter, and what is left to do. Write the summary and nothing else.'

export function summaryRequest(model: string, messages: readonly Json[]): Json {
  const text = messages.map(quoted).join('\n\n')
  const asked = [
    { role: 'system', content: wish },
    { role: 'user', content: `<conversation>\n${text}\n</conversation>` },
  ]
  return { model, messages: asked }
}

function quoted({ role, content, tool_calls: calls }: Json): string {
  const called = ((calls ?? []) as { function: { name: string; arguments: string } }[]).map(
    ({ function: { name, arguments: sent } }) => `[calls ${name}: ${sent}]`,
  )
  return [`${role}: ${textOf(content)}`, ...called].join('\n')
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === 'string' ? content : ''
  return content.map(({ type, text }: Json) => (type === 'text' ? text : `[${type}]`)).join('\n')
}
