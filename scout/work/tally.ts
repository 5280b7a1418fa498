/**
 * What this scout has done since it started, in numbers for its operator: tasks by outcome, tokens as the providers
 * counted them. The executor feeds it with every ending; `status` and the live view read it. The hub keeps its own
 * books and believes none of this.
 */
import type { Outcome } from '../../shared/task.ts'
import type { Ending } from './settlement.ts'

export class Tally {
  readonly outcomes: Record<Outcome, number> = { done: 0, failed: 0, released: 0, cancelled: 0 }
  promptTokens = 0
  answerTokens = 0

  count({ outcome, body }: Pick<Ending, 'outcome' | 'body'>): void {
    this.outcomes[outcome]++
    if (outcome !== 'done') return
    const usage = usageIn(body)
    this.promptTokens += figureIn(usage, 'prompt_tokens')
    this.answerTokens += figureIn(usage, 'completion_tokens')
  }
}

/** Bytes behind `"usage":` that are looked at. */
const usageBytesMax = 1_024

/** Where an answer tells its usage. Not parsed, because an answer may be long and this is but a tally. */
function usageIn(body: Uint8Array): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  // Inside a JSON string the quotes would be escaped, so this is never somebody's text.
  const at = bytes.lastIndexOf('"usage":')
  return at === -1 ? '' : bytes.toString('latin1', at, at + usageBytesMax)
}

function figureIn(usage: string, name: string): number {
  return Number(new RegExp(`"${name}":\\s*(\\d{1,9})\\b`).exec(usage)?.[1] ?? 0)
}
