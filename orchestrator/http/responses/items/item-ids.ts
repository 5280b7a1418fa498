/**
 * The ids of responses and of their items. An item's id holds its response's, so that a reference to an item leads to
 * the response that has it. Durable responses are intents under another name.
 */

/** What comes before the common part of the ids of a response and of everything that belongs to it. */
const idForm = /^([a-z]{2,4})_([0-9a-f]{32})(?:_(i?\d{1,9}))?$/

const prefixes = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'cto',
  reasoning: 'rs',
  compaction: 'cmp',
} as const

export type ItemType = keyof typeof prefixes

export function responseId(intent: string): string {
  return intent.replace(/^int_/, 'resp_')
}

export function intentOf(response: string): string {
  return response.replace(/^resp_/, 'int_')
}

/** Sorts by the time of its creation; the rest is random. */
export function newResponseId(nowMs: number, randomBytes: Uint8Array): string {
  return `resp_${nowMs.toString(16).padStart(12, '0')}${Buffer.from(randomBytes).toString('hex')}`
}

export const responseIdRandomBytes = 10

/** The id of the item at this place of a response's output. */
export function outputItemId(type: ItemType, response: string, place: number): string {
  return `${prefixes[type]}_${response.slice('resp_'.length)}_${place}`
}

/** The same in its input. */
export function inputItemId(type: string, response: string, place: number): string {
  const prefix = Object.hasOwn(prefixes, type) ? prefixes[type as ItemType] : 'item'
  return `${prefix}_${response.slice('resp_'.length)}_i${place}`
}

/** The response that an item belongs to; null when the id is none of this hub's. */
export function responseOfItem(item: string): string | null {
  const [, prefix, common, place] = idForm.exec(item) ?? []
  return prefix === undefined || place === undefined ? null : `resp_${common}`
}
