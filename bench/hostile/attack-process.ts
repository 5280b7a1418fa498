/**
 * The process of one attack, at a low priority: a real attacker has a machine of its own and does not take the
 * hub's processor away by thinking. How long it waited for a processor itself is reported, so that an attack that was
 * starved is not taken for one that was withstood. `ground.ts` starts it.
 */
import { constants, setPriority } from 'node:os'
import { waitedMs } from '../fleet/turn-watch.ts'
import { answerCalls, sleep } from '../load/calls.ts'
import { attacks } from './attacks.ts'
import { type Check, Site, type SiteOptions } from './site/site.ts'

/** What the attack came to, from its own side. */
export interface Outcome {
  /** Status or code of its requests, and how often. */
  outcomes: Record<string, number>
  /** What else had to hold and did not. */
  misses: string[]
  /** Share of its time in which it wanted to go on and had no processor. */
  waitedShare: number
}

/** An attack that is not ready by then begins nevertheless. */
const prepareMsMax = 90_000
/** An attack that still begins when its window is over has nothing to check. */
const beginMsMax = 2_000
/** What an attack checks in the end is waited for this long. */
const checkMsMax = 60_000

setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

let site: Site | null = null
let running: Promise<Check | void> = Promise.resolve()
let beganMs = 0
let beganWaitedMs = 0

/** What has to hold besides, of an attack that has begun as it should; one that goes on until its end has nothing. */
async function missesNow(): Promise<string[]> {
  const begun = sleep(beginMsMax)
  try {
    const check = await Promise.race([running, begun])
    return typeof check === 'function' ? await check() : []
  } catch (error) {
    return [`the attack itself broke: ${(error as Error).message}`]
  }
}

const calls = {
  /** Resolves when the attack goes on and may be measured. */
  async begin({ name, options }: { name: string; options: SiteOptions }): Promise<void> {
    const attack = attacks.find((known) => known.name === name)!
    site = new Site(options)
    running = attack.run(site)
    // Told in the end.
    running.catch(() => {})
    if (attack.prepares) await Promise.race([site.begun, running.catch(() => {}), sleep(prepareMsMax)])
    beganMs = performance.now()
    beganWaitedMs = waitedMs()
  },

  /** Looks at what the attack wants to see, and ends it. */
  async end(_: null): Promise<Outcome> {
    const waitedShare = (waitedMs() - beganWaitedMs) / (performance.now() - beganMs)
    const late = sleep(checkMsMax).then(() => ['its own check was not over in time'])
    const misses = await Promise.race([missesNow(), late])
    site!.end()
    return { outcomes: site!.outcomes, misses, waitedShare }
  },
}

export type AttackCalls = typeof calls

answerCalls(calls)
