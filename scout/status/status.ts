/**
 * The status of a running scout as one value, and that value as a block of text. The scout makes it, the live view
 * draws it, the status socket sends it to `chasm-scout status`. It holds no key and nothing of any request.
 */
import { plainMessage } from '../../shared/faults.ts'
import type { ScoutPhase } from '../../shared/protocol/phases.ts'
import { duration, pointsText, type Standing, standingSentences } from '../../shared/scouts/standing.ts'
import type { Outcome } from '../../shared/task.ts'

export interface ScoutStatus {
  name: string
  phase: ScoutPhase
  /** Since the process of this scout began, and since the hub last greeted it; null while it has no hub. */
  runningMs: number
  connectedMs: number | null
  /** Why there is no connection; empty while there is one or nothing is known. */
  waiting: string
  offers: { model: string; provider: string }[]
  concurrency: number
  inFlight: number
  /** Tasks since the start, by how they ended. */
  outcomes: Record<Outcome, number>
  /** As the providers counted them. */
  promptTokens: number
  answerTokens: number
  /** The newest standing that the hub sent, and its age; null before the first. */
  standing: Standing | null
  standingAgeMs: number
}

/** A standing of at least this age is shown with its age. */
const standingOldMs = 300_000

/** Models named in the block; the rest is a number. */
const modelsShown = 6

/** The status as lines of `label   text`. */
export function statusLines(status: ScoutStatus): string[] {
  const { outcomes, promptTokens, answerTokens, concurrency, inFlight, standing, standingAgeMs } = status
  const ended = [`${outcomes.done} done`, `${outcomes.failed} failed`]
  if (outcomes.released > 0) ended.push(`${outcomes.released} handed back`)
  if (outcomes.cancelled > 0) ended.push(`${outcomes.cancelled} cancelled`)
  const lines = [
    row('Scout', `${status.name}, running for ${duration(status.runningMs)}`),
    row('Connection', connection(status)),
    row('Offers', offersText(status)),
    row('In flight', `${inFlight} of ${concurrency}`),
    row('Tasks', ended.join(', ')),
    row('Tokens', `${promptTokens} read, ${answerTokens} written`),
  ]
  if (standing === null) return [...lines, row('Standing', 'the orchestrator has not said yet')]
  const [first, ...more] = standingSentences(standing)
  if (standingAgeMs >= standingOldMs) more.push(`So the orchestrator said ${duration(standingAgeMs)} ago.`)
  const points = pointsText(standing)
  if (points !== null) lines.push(row('Points', points))
  return [...lines, row('Standing', first!), ...more.map((sentence) => row('', sentence))]
}

function row(label: string, text: string): string {
  // Names of models and reasons come from others: a terminal must not take them for commands.
  return `${label.padEnd(12)}${plainMessage(text)}`
}

function connection({ phase, connectedMs, waiting }: ScoutStatus): string {
  const since = connectedMs === null ? '' : ` for ${duration(connectedMs)}`
  switch (phase) {
    case 'ready':
      return `connected${since}`
    case 'draining':
      return `draining, connected${since}`
    case 'stopped':
      return 'ended'
    default:
      return waiting === '' ? 'dialing' : `none: ${waiting}`
  }
}

function offersText({ offers }: ScoutStatus): string {
  if (offers.length === 0) return 'none yet'
  const shown = offers.slice(0, modelsShown).map(({ model, provider }) => `${model} (${provider})`)
  const more = offers.length - shown.length
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
