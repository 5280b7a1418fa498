/**
 * The top-level fields that the hub writes in front of a scout's JSON: of an answer, of one streamed line, and of a
 * line inside an intent's event. A scout that wrote one of them would speak in the hub's name: scouts leave them out,
 * and the hub's answer check refuses all of them, whatever the answer is for. What is put in front is taken from here.
 */

/** In front of every answer and line that a client gets. */
const envelopeFields = ['id', 'object', 'created', 'model', 'chasm'] as const
/** In front of a line in a `chunk` event of an intent: whose line it is, of which attempt, and its place. */
const chunkEventFields = ['node', 'attempt', 'index'] as const

export const reservedFields = [...envelopeFields, ...chunkEventFields] as const

/** One of these fields with its value, as JSON in front of other fields. */
export function reservedField(name: (typeof reservedFields)[number], json: string | number): string {
  return `"${name}":${json},`
}
