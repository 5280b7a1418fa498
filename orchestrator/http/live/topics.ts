/**
 * The topics of the live feed: what each of them says, and who may watch it. Composed from the engine's counts, the
 * charts' newest slot and the newest answers; the fleet's lists are fetched, not fed.
 */
import type { Accounts } from '../../engine/ports/accounts.ts'
import type { Engine } from '../../engine/ports/client.ts'
import { StoreError } from '../../engine/ports/store.ts'
import { findings, waitingShownMax } from './attention.ts'
import type { Composer } from './live-feed.ts'
import type { RecentAnswers } from './recent-answers.ts'
import type { Traffic } from './traffic.ts'

interface Topic {
  compose: Composer
  isOfTenant: boolean
  /** For admins only. */
  isForAdmins: boolean
}

export type Topics = Readonly<Record<string, Topic>>

interface Sources {
  engine: Engine
  traffic: Traffic
  recent: RecentAnswers
  accounts: Pick<Accounts, 'accounts'>
}

/** Findings are a fixed list of sentences; this is above what they come to. */
const findingsShownMax = 8

export function topicsOf({ engine, traffic, recent, accounts }: Sources): Topics {
  const forAll = { isOfTenant: false, isForAdmins: false }
  return {
    hub: { ...forAll, compose: () => hubNow(engine) },
    traffic: { ...forAll, compose: () => shownTraffic(traffic) },
    mine: { isOfTenant: true, isForAdmins: false, compose: (tenant) => shownRecent(recent.of(tenant)) },
    attention: {
      isOfTenant: false,
      isForAdmins: true,
      compose: () => {
        const watched = { stats: engine.stats(), fleet: engine.fleet(), sample: traffic.newest?.sample ?? null }
        const waiting = waitingIn(accounts)
        return { findings: findings({ ...watched, isReady: engine.ready(), waiting }).slice(0, findingsShownMax) }
      },
    },
  }
}

/** A store that cannot be read says so elsewhere: the feed goes on without. */
function waitingIn(accounts: Sources['accounts']): number {
  try {
    return accounts.accounts({ state: 'waiting', limit: waitingShownMax }).length
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return 0
  }
}

/** Counts of the hub, which `/metrics` tells everybody as well. */
export function hubNow(engine: Pick<Engine, 'stats' | 'models' | 'ready'>) {
  const { scouts, tasksQueued, tasksLeased, creditsHeld } = engine.stats()
  const models = engine.models().length
  return { ready: engine.ready(), scouts, models, queued: tasksQueued, leased: tasksLeased, credits: creditsHeld }
}

function shownTraffic({ newest }: Traffic) {
  return newest === null ? { at: null, sample: null } : { at: newest.atMs / 1000, sample: newest.sample }
}

function shownRecent(recent: ReturnType<RecentAnswers['of']>) {
  if (recent === null) return { requests: 0, last: null }
  const { atMs, route, status, durationMs, served } = recent.last
  const last = { at: Math.floor(atMs / 1000), route, status, duration_ms: Math.round(durationMs), served }
  return { requests: recent.requests, last }
}
