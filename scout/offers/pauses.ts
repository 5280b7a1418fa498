/**
 * Which provider takes no requests for which model at present, and for how long. The catalog enters the limits that
 * providers report and passes them on with its candidates, so that no request is sent only to be refused.
 */
import { pauseLengthMs } from '../../shared/backoff.ts'
import type { TaskKind } from '../../shared/task.ts'

export class Pauses {
  private readonly untilMs = new Map<string, number>()

  /** Begins or prolongs a pause; undefined when the provider named no time. Returns how long it lasts from now. */
  begin(provider: string, kind: TaskKind, model: string, forMs: number | undefined, nowMs: number): number {
    for (const [key, untilMs] of this.untilMs) if (untilMs <= nowMs) this.untilMs.delete(key)
    const key = keyOf(provider, kind, model)
    const untilMs = nowMs + pauseLengthMs(forMs)
    this.untilMs.set(key, Math.max(untilMs, this.untilMs.get(key) ?? 0))
    return this.untilMs.get(key)! - nowMs
  }

  /** Milliseconds until it may be asked again; 0 when it may be asked now. */
  leftMs(provider: string, kind: TaskKind, model: string, nowMs: number): number {
    return Math.max(0, (this.untilMs.get(keyOf(provider, kind, model)) ?? 0) - nowMs)
  }
}

function keyOf(provider: string, kind: TaskKind, model: string): string {
  return `${provider} ${kind} ${model}`
}
