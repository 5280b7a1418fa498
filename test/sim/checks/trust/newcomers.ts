/**
 * What newcomers get, looked at after every event: of one model two tasks at a time, all of one owner eight, and no
 * bound at all where nothing follows from convictions (59). What a window has when its probation begins, or a session
 * brings along, it may keep; it must not become more.
 */
import type { HubEngine } from '../../../../orchestrator/engine/engine.ts'

const windowMost = 2
const ownerMost = 8

export class NewcomerChecks {
  /** Leases in each window of a newcomer at the last look. */
  private before = new Map<object, number>()

  constructor(
    private readonly isEnforced: boolean,
    private readonly fail: (invariant: number, what: string) => void,
    private readonly count: (what: string) => void,
  ) {}

  hubDies(): void {
    this.before = new Map()
  }

  look({ core }: HubEngine): void {
    const now = new Map<object, number>()
    const owners = new Map<string, { grown: number; running: number }>()
    for (const { windows, record } of core.state.roster.bySession.values()) {
      for (const [key, window] of windows ?? []) {
        if (window.places === null) continue
        if (!this.isEnforced) this.fail(59, `${record.scout} has few places for being new, where nothing follows`)
        const { running } = window
        const before = this.before.get(window)
        now.set(window, running)
        const grown = before === undefined ? 0 : Math.max(0, running - before)
        if (grown > 0 && running > windowMost)
          this.fail(59, `${record.scout} is new with ${key} and was given ${running} tasks at once`)
        const owner = owners.get(record.operator) ?? { grown: 0, running: 0 }
        // What a session has brought along was not given to it now.
        const known = before === undefined ? 0 : running
        owners.set(record.operator, { grown: owner.grown + grown, running: owner.running + known })
        if (running >= windowMost) this.count('newcomer had all it may')
      }
    }
    for (const [owner, { grown, running }] of owners)
      if (grown > 0 && running > ownerMost)
        this.fail(59, `the newcomers of ${owner} were given ${running} tasks at once`)
    this.before = now
  }
}
