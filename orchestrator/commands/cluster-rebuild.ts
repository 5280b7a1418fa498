/**
 * Brings the intents of this hub that are over back into its database, from the journal of the network: for a hub whose
 * database was lost or restored from an old copy. What is not over needs no command: the hub takes it up at its start.
 */

import { rebuildListedMax, rebuildWaitMs } from '../../shared/limits/cluster/journal.ts'
import type { System } from '../../shared/system.ts'
import { NatsBus } from '../cluster/bus/nats-bus.ts'
import { readChain } from '../cluster/hub-files.ts'
import { hubFilesOf, readIdentity } from '../cluster/identity-file.ts'
import { IntentJournal } from '../cluster/journal/intent-journal.ts'
import type { SharedLog } from '../cluster/journal/log.ts'
import { NatsLog } from '../cluster/journal/nats-log.ts'
import { intentStream } from '../cluster/journal/streams.ts'
import { prefixOf } from '../cluster/membership.ts'
import type { RosterChain } from '../cluster/roster/roster-chain.ts'
import type { Config } from '../config.ts'
import { projection } from '../engine/intents/handover/handover.ts'
import { type Store, StoreError } from '../engine/ports/store.ts'
import { openDataFolder } from '../store/data-folder.ts'
import type { ClusterOutcome } from './cluster-actions.ts'

/** `listedMax`: intents of the journal that are looked at. */
export async function rebuild(config: Config, system: System, listedMax = rebuildListedMax): Promise<ClusterOutcome> {
  const { dataDir, clusterServers: servers, isClusterSecure: isSecure, clusterLogin: login } = config
  if (servers.length === 0) return { flaw: 'CLUSTER_URL is not set: it names the servers that have the journal.' }
  const identity = readIdentity(dataDir)
  const chain = readChain(hubFilesOf(dataDir).roster)
  if (identity !== null && 'flaw' in identity) return identity
  if (chain !== null && 'flaw' in chain) return chain
  const name = identity === null ? undefined : chain?.nameOf(identity.key)
  if (chain === null || name === undefined) return { flaw: `There is no authority of a network in ${dataDir}.` }
  // Takes the lock: a running hub has what it needs.
  const folder = openDataFolder(dataDir, 'hub', system)
  if ('flaw' in folder) return folder
  const bus = new NatsBus({ system, servers, isSecure, name: `chasm ${name} rebuild`, login })
  const log = new NatsLog({ system, bus, stream: intentStream(prefixOf(chain)), copies: servers.length >= 3 ? 3 : 1 })
  try {
    bus.onState(() => log.follow())
    const why = await opened(log, system)
    if (why !== null) return { flaw: `The journal cannot be read: ${why}.` }
    return await copied(log, { chain, name, system, store: folder.store, listedMax })
  } finally {
    await bus.close()
    folder.close()
  }
}

/** Null once the log is open; else why it is not, after a while. */
function opened(log: SharedLog, system: System): Promise<string | null> {
  return new Promise((resolve) => {
    const patience = system.after(rebuildWaitMs, () => resolve(log.apart))
    log.onState(() => {
      if (log.apart !== null) return
      patience.cancel()
      resolve(null)
    })
    log.follow()
  })
}

interface Place {
  chain: RosterChain
  name: string
  system: System
  store: Store
  listedMax: number
}

async function copied(log: SharedLog, { chain, name, system, store, listedMax }: Place): Promise<ClusterOutcome> {
  const prefix = prefixOf(chain)
  const sign = () => {
    throw new Error('a rebuild signs nothing')
  }
  const membership = { standing: 'member' as const, chain, own: { name, boot: 0 }, prefix, sign }
  const journal = new IntentJournal({ system, log, membership })
  const listed = await log.subjects(`${prefix}.intent.*`, listedMax + 1)
  if (listed === 'unsure') return { flaw: 'The journal could not be listed: run the command again.' }
  let brought = 0
  const unread: string[] = []
  for (const subject of listed.subjects.slice(0, listedMax)) {
    const intent = subject.slice(subject.lastIndexOf('.') + 1)
    if (store.intent(intent) !== undefined) continue
    const life = await journal.read(intent)
    if (life === 'troubled') return { flaw: 'The servers of the journal went away: run the command again.' }
    if (life === 'unknown') unread.push(intent)
    else if (life.owner === name && life.writes.some(({ write }) => write === 'intentEnd')) {
      if (keep(store, intent, life.writes)) brought++
      else unread.push(intent)
    }
  }
  const output = `${brought} intents that are over were brought back; the hub takes up the others when it starts.\n`
  const hints: string[] = []
  if (unread.length > 0) hints.push(`${unread.length} in the journal could not be read, the first one is ${unread[0]}.`)
  if (listed.subjects.length > listedMax) {
    hints.push(`The journal has more than the ${listedMax} intents that are looked at: others were not read.`)
  }
  return hints.length === 0 ? { output } : { output, hint: hints.join(' ') }
}

function keep(store: Store, intent: string, writes: Parameters<typeof projection>[0]['writes']): boolean {
  try {
    store.commit(projection({ intent, writes }))
    return true
  } catch (error) {
    if (error instanceof StoreError && error.trouble === 'fenced') return false
    throw error
  }
}
