/**
 * The demo provider as a planning model: whoever asks it for a scroll, by the name of the form that an orchestrator
 * uses, gets one that can be carried out. A request of several sentences is divided into them; one sentence needs no
 * plan.
 */

/** The name of the form of answer in which orchestrators ask for scrolls. */
export const scrollForm = 'chasm_scroll'

const partsMax = 4

/** A proposed scroll for what was said, as JSON. */
export function scrollFor(said: string): string {
  // Braces would be references, and the demo has nothing to refer to.
  const sentences = said
    .replace(/[{}]/g, '')
    .split(/(?<=[.?!;])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')
    .slice(0, partsMax)
  if (sentences.length < 2) return JSON.stringify({ single: true, why: 'It is one sentence.' })
  const parts = sentences.map((prompt, at) => ({ id: `part-${at + 1}`, prompt }))
  const results = parts.map(({ id }) => `{{nodes.${id}}}`).join('\n\n')
  const answer = { id: 'answer', prompt: `Answer this: {{input}}\n\nWith what was found:\n\n${results}` }
  return JSON.stringify({ nodes: [...parts, answer], result: answer.id })
}
