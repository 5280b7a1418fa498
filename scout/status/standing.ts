/**
 * The scout's standing with the hub, kept: the scout passes it every `standing` frame; the log gets a sentence when the
 * picture has changed, `status` and the live view read it at any time. The words are in `shared/scouts/standing.ts`.
 */
import { standingSayAgainMs, standingUrgentMs } from '../../shared/limits/scout.ts'
import { failureWorthPermille, losses, type Standing, standingSentences } from '../../shared/scouts/standing.ts'

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
  return JSON.stringify([
    failing,
    paused,
    record,
    main.map(([name]) => name),
    standing.trust ?? '',
    standing.signing ?? '',
  ])
}

/** Failures and pauses are worth a line soon; where the work goes only now and then. */
function isUrgent(before: string, now: string): boolean {
  if (before === '') return true
  const worries = (shape: string) => JSON.stringify((JSON.parse(shape) as unknown[]).slice(0, 2))
  return worries(before) !== worries(now)
}
