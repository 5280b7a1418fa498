/**
 * The program of a brain: started by `hub-processes.ts`, to which it says that edges may dial. It owns signals and exit
 * codes; `brain-hub.ts` is the brain itself.
 */
import { rmSync } from 'node:fs'
import { defectCode, leftCode } from '../../shared/limits/process.ts'
import { realSystem } from '../../shared/system.ts'
import type { Config } from '../config.ts'
import { PageFiles } from '../dashboard/page-files.ts'
import { ScoutBuilds } from '../dashboard/scout-builds.ts'
import type { EngineDefect } from '../engine/ports/defect.ts'
import { firstClientKey, localScoutKey } from '../first-keys.ts'
import type { Logger } from '../log.ts'
import { exitAfter, stopWhenAsked } from '../process-end.ts'
import { startBrain } from './brain-hub.ts'
import { openNetworkOf } from './open-network.ts'

/** What is made for whoever started the hub. */
interface FirstStart {
  /** A scout comes along, which needs a key. */
  hasScout: boolean
  /** A person reads what is printed. */
  hasReader: boolean
}

/** What stands behind `brain` and the folder in the command line of this program. */
function readBrainArguments(words: readonly string[]): { start: FirstStart; awaited: number } {
  const awaited = Number(words.find((word) => word.startsWith(awaits))?.slice(awaits.length) ?? 0)
  return { start: { hasScout: words.includes('scout'), hasReader: words.includes('reader') }, awaited }
}

/** Before the number of edges that outlived the last brain. */
export const awaits = 'awaits='

/** Runs until a signal. `runDir`: where the sockets between the processes are. */
export async function runBrain(
  config: Config,
  hubLog: Logger,
  runDir: string,
  words: readonly string[],
): Promise<void> {
  const {
    start: { hasScout, hasReader },
    awaited,
  } = readBrainArguments(words)
  const log = hubLog.child({ part: 'brain', pid: process.pid })
  const onDefect = ({ during, fields, cause }: EngineDefect) => {
    // Memory cannot be trusted any more, and the store can: the next start goes on from there.
    log.fatal({ err: cause, during, ...fields }, 'the brain met a defect and ends; please report it')
    process.exit(defectCode)
  }
  const page = new PageFiles({ system: realSystem() })
  const builds = new ScoutBuilds(realSystem())
  const onLeave = () => {
    log.info('making room for another brain; edges keep their sockets')
    end('leave', leftCode)
  }
  // Who made the folder would remove it, and is gone; the edges have ended with it.
  const clear = () => rmSync(runDir, { recursive: true, force: true })
  // Until it can stop in order, there is nothing to lose.
  const leftAlone = () => {
    clear()
    process.exit(defectCode)
  }
  process.on('disconnect', leftAlone)
  const network = await openNetworkOf(config, log)
  process.off('disconnect', leftAlone)
  if (network !== null && 'flaw' in network) return giveUp(network.flaw)
  const parts = { system: realSystem(), log, page, builds, network }
  const hub = startBrain({ config, runDir, awaited, onDefect, onLeave, ...parts })
  if ('flaw' in hub) {
    await network?.stop()
    return giveUp(hub.flaw)
  }
  const end = (how: 'stop' | 'leave', code: number) => {
    page.stop()
    const stopped = hub[how]().then(() => {
      if (!process.connected) clear()
    })
    exitAfter(log, stopped, code)
  }
  stopWhenAsked(log, () => end('stop', 0))
  const clientKey = firstClientKey(hub.keyring)
  const scoutKey = hasScout ? localScoutKey(hub.keyring, config.dataDir) : ''
  const login = hasReader ? hub.accounts.firstLogin() : undefined
  // Whoever is given a link comes at once.
  if (login !== undefined) page.start()
  // Its address is known once an edge listens.
  const loginUrl = login === undefined ? {} : { loginUrl: login }
  process.send?.({ part: 'brain', type: 'ready', scoutKey, ...(clientKey !== undefined && { clientKey }), ...loginUrl })
}

function giveUp(flaw: string): never {
  process.stderr.write(`${flaw}\n`)
  process.exit(1)
}
