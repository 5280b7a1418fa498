/**
 * A custom tool takes a text where a function takes JSON. Models that know functions alone are given a function with
 * that text as its one argument; both directions of that are here.
 */
type Json = Record<string, unknown>

/** The one argument. */
const field = 'input'

export const customParameters = {
  type: 'object',
  properties: { [field]: { type: 'string' } },
  required: [field],
  additionalProperties: false,
} as const

/** What a model is told of the text it has to write. */
export function grammarAdvice(syntax: unknown, definition: unknown): string {
  return `\`${field}\` must follow this ${syntax} grammar:\n${definition}`
}

export function customArguments(input: string): string {
  return JSON.stringify({ [field]: input })
}

/** The text in the arguments of such a call; what is not in that form is taken as the text itself. */
export function customInput(sent: string): string {
  try {
    const value = JSON.parse(sent) as unknown
    const input = typeof value === 'object' && value !== null ? (value as Json)[field] : undefined
    return typeof input === 'string' ? input : sent
  } catch {
    return sent
  }
}
