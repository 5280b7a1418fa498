/**
 * A conversation as text: for planning models, for finding the document among messages, for `{{input}}`.
 */

type Json = Record<string, unknown>

/** The text of one message; parts that are no text are left out. */
export function textOfMessage({ content }: Json): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.flatMap((part: Json) => (typeof part.text === 'string' ? [part.text] : [])).join('\n')
}

/** The whole conversation: a single message as it is, several with the role before each. */
export function textOfConversation(messages: readonly Json[]): string {
  if (messages.length === 1) return textOfMessage(messages[0]!)
  return messages.map((message) => `${String(message.role)}: ${textOfMessage(message)}`).join('\n\n')
}
