/**
 * The scout's standing with the hub, kept and put into sentences: whether it gets work, and if not, why. The scout
 * passes it every `standing` frame; the log gets a sentence when the picture has changed, `status` and the live view
 * read it at any time. It judges nothing: the figures are the hub's.
 */
import { standingSayAgainMs, standingUrgentMs } from '../../shared/limits/scout.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'

export type Standing = Omit<FrameOf<'standing'>, 'type'>

/** Where the tasks went that this scout was considered for and did not get, as the hub counts them. */
const losses = [
  ['lostLatency', 'to faster scouts'],
  ['lostPrice', 'to cheaper scouts'],
  ['lostCapacity', 'elsewhere because this scout was busy'],
  ['lostTrust', 'to scouts with a better record'],
] as const

/** From this share of failures on, in thousandths, the record costs work and is mentioned. */
const failureWorthPermille = 50

export class StandingKeeper {
  latest: Standing | null = null
  heardMs = 0
  private said = ''
  private saidMs = 0

  /** Takes a frame. Returns the sentence to log, or null when it is much like the one before. */
  hear(standing: Standing, nowMs: number): string | null {
    this.latest = standing
    this.heardMs = nowMs
    const shape = shapeOf(standing)
    if (shape === this.said) return null
    const quietMs = isUrgent(this.said, shape) ? standingUrgentMs : standingSayAgainMs
    if (this.said !== '' && nowMs - this.saidMs < quietMs) return null
    this.said = shape
    this.saidMs = nowMs
    return standingSentences(standing).join(' ')
  }
}

/** What makes two standings the same to a person: which words they need, not their figures. */
function shapeOf(standing: Standing): string {
  const main = losses.filter(([name]) => standing[name] * 2 > standing.considered - standing.won)
  const failing = standing.failurePermille >= failureWorthPermille ? 'failing' : ''
  const record = standing.considered === 0 ? 'unseen' : standing.won === 0 ? 'idle' : 'working'
  const paused = standing.paused.map(([model]) => model).sort()
  return JSON.stringify([failing, paused, record, main.map(([name]) => name)])
}

/** Failures and pauses are worth a line soon; where the work goes only now and then. */
function isUrgent(before: string, now: string): boolean {
  if (before === '') return true
  const worries = (shape: string) => JSON.stringify((JSON.parse(shape) as unknown[]).slice(0, 2))
  return worries(before) !== worries(now)
}

/** The standing in whole sentences, the most important first. */
export function standingSentences(standing: Standing): string[] {
  const { considered, won, done, failed, failurePermille, window, paused } = standing
  const sentences = [considered === 0 ? unconsidered : share(standing)]
  if (considered > won && won * 4 < considered) sentences.push(...advice(standing))
  if (failurePermille >= failureWorthPermille) {
    const percent = Math.round(failurePermille / 10)
    sentences.push(
      `Lately ${percent} % of its tasks failed (${failed} of ${done + failed} in the last hour), ` +
        `so the orchestrator trusts it with ${window} at once: look for the cause in this log.`,
    )
  }
  for (const [model, ms] of paused.slice(0, 3)) {
    sentences.push(`${model} is paused for ${duration(ms)} because its provider limits the rate.`)
  }
  if (paused.length > 3) sentences.push(`${paused.length - 3} more models are paused for the same reason.`)
  return sentences
}

const unconsidered =
  'In the last hour nobody asked for what this scout offers: it is in good order, and work comes when it is asked for.'

function share(standing: Standing): string {
  const { considered, won } = standing
  const gone = losses.flatMap(([name, where]) => (standing[name] > 0 ? [`${standing[name]} went ${where}`] : []))
  const got = `In the last hour this scout was considered ${times(considered)} and got ${count(won, 'task')}`
  return gone.length === 0 ? `${got}.` : `${got}; ${listed(gone)}.`
}

/** What the operator can do about the largest loss, when the scout gets little. */
function advice(standing: Standing): string[] {
  const [most] = [...losses].sort(([a], [b]) => standing[b] - standing[a])
  if (most === undefined || standing[most[0]] === 0) return []
  switch (most[0]) {
    case 'lostLatency':
      return ['A faster provider or a smaller model would get more.']
    case 'lostPrice':
      return ['A cheaper model or provider would get more.']
    case 'lostCapacity':
      return ['A larger SCOUT_CONCURRENCY would get more, if the provider bears it.']
    case 'lostTrust':
      return ['Trust comes back with tasks that are done.']
  }
}

function listed(parts: string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

function times(number: number): string {
  return number === 1 ? 'once' : `${number} times`
}

function count(number: number, word: string): string {
  return number === 0 ? `no ${word}` : number === 1 ? `1 ${word}` : `${number} ${word}s`
}

/** Milliseconds in the units that people use. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
