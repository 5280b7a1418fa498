/**
 * A scout's standing in sentences: whether it gets work, and if not, why and what helps. The one judge of a scout: its
 * own log and `status`, the hub's list and the page all use these words. The figures are the hub's.
 */
import type { FrameOf } from '../protocol/frames.ts'

export type Standing = Omit<FrameOf<'standing'>, 'type'>

/** Where the tasks went that this scout was considered for and did not get, as the hub counts them. */
export const losses = [
  ['lostLatency', 'to faster scouts'],
  ['lostPrice', 'to cheaper scouts'],
  ['lostCapacity', 'elsewhere because this scout was busy'],
  ['lostTrust', 'to scouts with a better record'],
] as const

/** From this share of failures on, in thousandths, the record costs work and is mentioned. */
export const failureWorthPermille = 50

/** The standing in whole sentences, the most important first. */
export function standingSentences(standing: Standing): string[] {
  const { considered, won, done, failed, failurePermille, window, paused } = standing
  const sentences = [considered === 0 ? unconsidered : share(standing)]
  if (considered > won && won * 4 < considered) sentences.push(...advice(standing))
  if (failurePermille >= failureWorthPermille) {
    const percent = Math.round(failurePermille / 10)
    sentences.push(
      `Lately ${percent} % of its tasks failed (${failed} of ${done + failed} in the last hour), ` +
        `so the orchestrator trusts it with ${window} at once: look for the cause in its log.`,
    )
  }
  for (const [model, ms] of paused.slice(0, 3)) {
    sentences.push(`${model} is paused for ${duration(ms)} because its provider limits the rate.`)
  }
  if (paused.length > 3) sentences.push(`${paused.length - 3} more models are paused for the same reason.`)
  if (typeof standing.unpaid === 'string') sentences.push(standing.unpaid)
  if (standing.trust !== undefined && standing.trust !== '') sentences.push(standing.trust)
  if (standing.signing !== undefined && standing.signing !== '') sentences.push(standing.signing)
  return sentences
}

/** Points of an operator: earned this season, in escrow, and what of that waits for trust, where it is known. */
export type PointsShown = Pick<Standing, 'earned' | 'waiting' | 'untrusted'>

/**
 * The points of a scout's operator, as its status and its page show them; null from a hub that shows none. `unit` is
 * said where nothing beside it says what is counted.
 */
export function pointsText({ earned, waiting, untrusted }: PointsShown, unit = ''): string | null {
  if (typeof earned !== 'number' || typeof waiting !== 'number') return null
  const season = `${grouped(earned)}${unit} this season`
  return waiting === 0 ? season : `${season}, ${grouped(waiting)} waiting${waitingFor(waiting, untrusted)}`
}

/** What points wait for; empty from a hub that does not say. */
function waitingFor(waiting: number, untrusted: number | null | undefined): string {
  if (typeof untrusted !== 'number') return ''
  if (untrusted === 0) return ' for some days to pass'
  return untrusted >= waiting ? untilTrusted : `, ${grouped(untrusted)} of them${untilTrusted}`
}

/** What becomes of points that waited when their scout was convicted. `at`: when the first of them are burnt. */
export function burningText(convicted: number, at: string): string {
  const which = `${grouped(convicted)} of the points that wait are of a scout that was convicted`
  return `${which}: they are burnt from ${at} on, unless an appeal clears it before.`
}

const untilTrusted = ' until you are trusted'

/** With commas between thousands. */
export function grouped(points: number): string {
  return String(points).replace(/\B(?=(\d{3})+$)/g, ',')
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
