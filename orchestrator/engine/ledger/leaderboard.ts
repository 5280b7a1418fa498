/**
 * Who has most points in the season that is open, and under which name each operator agreed to be shown. Made anew now
 * and then, when somebody looks.
 */
import type { Fault } from '../../../shared/faults.ts'
import { leaderboardEveryMs } from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import { earnedOf } from '../../ledger/accounts/account.ts'
import type { Projector } from '../../ledger/accounts/projector.ts'
import { seasonAt } from '../../ledger/seasons/season.ts'
import { type Journal, notWritable } from '../durability/journal.ts'
import type { LeaderboardRow } from '../ports/ledger/ledger.ts'
import type { Store } from '../ports/store.ts'

interface LeaderboardParts {
  system: Pick<System, 'nowMs' | 'wallMs'>
  store: Pick<Store, 'settings'>
  journal: Pick<Journal, 'promise'>
  projector: () => Projector
}

interface Leaders {
  atMs: number
  rows: readonly LeaderboardRow[]
  /** Under which name an operator is shown, by the name of its setting. */
  names: ReadonlyMap<string, string>
}

const noLeaders: Leaders = { atMs: Number.NEGATIVE_INFINITY, rows: [], names: new Map() }

export class Leaderboard {
  private leaders = noLeaders

  constructor(private readonly parts: LeaderboardParts) {}

  /** The most points first. */
  rows(): readonly LeaderboardRow[] {
    return this.now().rows
  }

  /** Null without a name. */
  shownAs(operator: string): string | null {
    return this.now().names.get(settingOf(operator)) ?? null
  }

  /** As they are now; empty for whoever did not agree. */
  names(): (operator: string) => string {
    const settings = this.parts.store.settings()
    return (operator) => settings.get(settingOf(operator)) ?? ''
  }

  /** What stood in the way; null when nothing did. */
  showAs(operator: string, name: string | null): Promise<Fault | null> {
    const write = { write: 'setting' as const, name: settingOf(operator), value: name }
    return new Promise((resolve) => {
      const kept = () => {
        this.leaders = noLeaders
        resolve(null)
      }
      this.parts.journal.promise([write], kept, () => resolve(notWritable))
    })
  }

  private now(): Leaders {
    const { system, store } = this.parts
    const nowMs = system.nowMs()
    if (nowMs - this.leaders.atMs < leaderboardEveryMs) return this.leaders
    const projector = this.parts.projector()
    const season = seasonAt(system.wallMs())
    const names = store.settings()
    const rows = [...projector.operators()].map((operator) => {
      const points = projector.balances.of(earnedOf(season, operator))
      const name = names.get(settingOf(operator)) ?? ''
      return { operator, name, points, waiting: projector.waitingOf(operator) }
    })
    const ranked = rows.filter(({ points, waiting }) => points + waiting > 0)
    ranked.sort((one, other) => other.points - one.points || other.waiting - one.waiting)
    this.leaders = { atMs: nowMs, rows: ranked, names }
    return this.leaders
  }
}

/** The name of the setting that holds under which name an operator agreed to be shown. */
function settingOf(operator: string): string {
  return `leaderboard/${operator}`
}
