/**
 * Counters since the start of this scout, for its operator: tasks by outcome, tokens as the providers counted them. The
 * executor adds every settlement; `status` and the live view read them. The hub keeps its own counts and never gets
 * these.
 */
import type { Outcome } from '../../shared/task.ts'
import type { Settlement } from './settlement.ts'

export class Tally {
  readonly outcomes: Record<Outcome, number> = { done: 0, failed: 0, released: 0, cancelled: 0 }
  promptTokens = 0
  answerTokens = 0

  count({ outcome, body }: Pick<Settlement, 'outcome' | 'body'>): void {
    this.outcomes[outcome]++
    if (outcome !== 'done') return
    const usage = usageIn(body)
    this.promptTokens += figureIn(usage, 'prompt_tokens')
    this.answerTokens += figureIn(usage, 'completion_tokens')
  }
}

/** Bytes behind `"usage":` that are looked at. */
const usageBytesMax = 1_024

/** The part of an answer that holds its usage; not parsed, because an answer may be long. */
function usageIn(body: Uint8Array): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  // Inside a JSON string the quotes would be escaped, so this is never part of a text.
  const at = bytes.lastIndexOf('"usage":')
  return at === -1 ? '' : bytes.toString('latin1', at, at + usageBytesMax)
}

function figureIn(usage: string, name: string): number {
  return Number(new RegExp(`"${name}":\\s*(\\d{1,9})\\b`).exec(usage)?.[1] ?? 0)
}
