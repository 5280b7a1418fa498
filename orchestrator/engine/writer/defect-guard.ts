/**
 * The end of an engine that met a defect. An error out of the core, the row mapping, a commit or an effect leaves
 * memory in a state that nobody described, so nothing may be built on it: the guard reports the defect once and stays
 * dead, and every part of the engine that asks it does nothing further. `main.ts` ends the process; the next start
 * recovers from the store. The writer, the journal and the timers run their work through here.
 */
import type { Event } from '../../core/events.ts'
import { EngineDefect } from '../ports/defect.ts'

/** What a log line may show of an event: numbers and names. No bodies, no nonces, no credentials. */
const shownFields = ['task', 'attempt', 'session', 'intent', 'outcome', 'kind', 'model', 'scout', 'count'] as const

export class DefectGuard {
  private defect: EngineDefect | null = null

  constructor(private readonly onDefect: (defect: EngineDefect) => void) {}

  /** After a defect: nothing of this engine may run any more. */
  get isDead(): boolean {
    return this.defect !== null
  }

  /** Runs one piece of the engine's work; does nothing once the engine is dead. */
  run(during: string, work: () => void): void {
    if (this.defect !== null) return
    try {
      work()
    } catch (error) {
      throw this.fail(during, {}, error)
    }
  }

  /** Reports the defect that this event met. Work inside other work reports it once. */
  failed(event: Event, cause: unknown): EngineDefect {
    return this.fail(event.type, fieldsOf(event), cause)
  }

  private fail(during: string, fields: Record<string, string | number>, cause: unknown): EngineDefect {
    if (this.defect !== null) return this.defect
    this.defect = new EngineDefect(during, fields, cause)
    this.onDefect(this.defect)
    return this.defect
  }
}

function fieldsOf(event: Event): Record<string, string | number> {
  const shown: Record<string, string | number> = {}
  for (const field of shownFields) {
    const value = (event as unknown as Record<string, unknown>)[field]
    if (typeof value === 'string' || typeof value === 'number') shown[field] = value
  }
  return shown
}
