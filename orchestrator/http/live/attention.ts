/**
 * What an operator should look at, judged from the hub's figures: each finding is one sentence with its remedy and the
 * page that helps. Pure; the live feed composes it, the page shows it, and an empty list means that all is well.
 */
import type { EngineStats, FleetHealth } from '../../engine/ports/client.ts'
import type { Sample } from './ring.ts'

export interface Finding {
  /** `bad`: clients are refused or fail; `warn`: some work is lost or slow. */
  level: 'bad' | 'warn'
  problem: string
  remedy: string
  /** A page of the dashboard, and what its button says. */
  page: string
  action: string
}

/** From this share of failed requests on, they are mentioned. */
const errorShare = 0.05
/** Accounts that wait are counted up to here: it is looked up each time. */
export const waitingShownMax = 20

export interface Watched {
  stats: EngineStats
  fleet: FleetHealth
  /** The newest slot of the charts; null before the first. */
  sample: Sample | null
  isReady: boolean
  /** Accounts that wait to be let in; no more of them are counted than `waitingShownMax`. */
  waiting: number
}

export function findings({ stats, fleet, sample, isReady, waiting: accounts }: Watched): Finding[] {
  const found: Finding[] = []
  const add = (finding: Finding | null) => finding !== null && found.push(finding)
  add(isReady ? null : drains)
  add(stats.scouts === 0 ? noScouts : waiting(stats))
  add(sample === null ? null : failing(sample))
  add(stats.usageDropped > 0 ? lostBooks(stats.usageDropped) : null)
  add(fleet.failing > 0 ? failingScouts(fleet) : null)
  add(fleet.paused > 0 ? pausedScouts(fleet) : null)
  add(fleet.idle > 0 ? idleScouts(fleet) : null)
  add(accounts > 0 ? waitingAccounts(accounts) : null)
  return found
}

const drains: Finding = {
  level: 'bad',
  problem: 'The orchestrator takes no new requests: it starts or stops.',
  remedy: 'If this lasts longer than a minute, look into its log.',
  page: 'overview',
  action: 'Look again',
}

const noScouts: Finding = {
  level: 'bad',
  problem: 'No scout is connected, so every request has to wait or fails.',
  remedy: 'Start one: a line to copy is ready.',
  page: 'connect/scout',
  action: 'Connect a scout',
}

/** More wait than can be taken up at once. */
function waiting({ tasksQueued, creditsHeld }: EngineStats): Finding | null {
  if (tasksQueued === 0 || tasksQueued <= creditsHeld) return null
  return {
    level: 'warn',
    problem: `${number(tasksQueued, 'task')} ${tasksQueued === 1 ? 'waits' : 'wait'} for a scout with room.`,
    remedy: 'More scouts, or a larger SCOUT_CONCURRENCY on those there are, take the queue up.',
    page: 'scouts',
    action: 'See the scouts',
  }
}

function failing({ requests, hub_errors: errors }: Sample): Finding | null {
  if (requests === null || errors === null || errors === 0 || errors < requests * errorShare) return null
  return {
    level: 'bad',
    problem: `${Math.round((errors / requests) * 100)} % of the requests of the last seconds failed on this side.`,
    remedy: 'The list of scouts shows who fails; the log says why.',
    page: 'scouts',
    action: 'See the scouts',
  }
}

function lostBooks(rows: number): Finding {
  return {
    level: 'bad',
    problem: `${number(rows, 'row')} of usage could not be written and ${rows === 1 ? 'is' : 'are'} lost.`,
    remedy: 'Make room on the disk of the data folder, then restart when it is convenient.',
    page: 'usage',
    action: 'See the usage',
  }
}

function failingScouts({ failing }: FleetHealth): Finding {
  return {
    level: 'warn',
    problem: `${number(failing, 'scout')} ${failing === 1 ? 'fails' : 'fail'} more than one task in five.`,
    remedy: 'Their operators find the cause in their logs; they get less work meanwhile.',
    page: 'scouts?show=failing',
    action: 'Which ones',
  }
}

function pausedScouts({ paused }: FleetHealth): Finding {
  return {
    level: 'warn',
    problem: `${number(paused, 'scout')} ${paused === 1 ? 'waits' : 'wait'} for a provider that limits the rate.`,
    remedy: 'It passes by itself; a larger plan at the provider, or more scouts, prevent it.',
    page: 'scouts?show=paused',
    action: 'Which ones',
  }
}

function idleScouts({ idle }: FleetHealth): Finding {
  return {
    level: 'warn',
    problem: `${number(idle, 'scout')} had no task in 24 hours.`,
    remedy: 'Nobody asks for what they offer, or others are faster or cheaper.',
    page: 'scouts?show=idle',
    action: 'Which ones',
  }
}

function waitingAccounts(count: number): Finding {
  const many = count < waitingShownMax ? number(count, 'account') : `${waitingShownMax} accounts or more`
  return {
    level: 'warn',
    problem: `${many} ${count === 1 ? 'waits' : 'wait'} to be let in.`,
    remedy: 'Approve whom you know, and suspend whom you do not want.',
    page: 'admin/accounts?state=waiting',
    action: 'See who',
  }
}

function number(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count.toLocaleString('en')} ${word}s`
}
