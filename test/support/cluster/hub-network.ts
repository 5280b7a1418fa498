/** Real hubs of one network in this process, each with its own scouts, over a bus that the test chooses. */
import { onTestFinished } from 'vitest'
import { openNetworkOver, type Servers } from '../../../orchestrator/cluster/network.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { realSystem } from '../../../shared/system.ts'
import { until } from '../clocks/until.ts'
import { LiveHub } from '../hub/live-hub.ts'
import { folderOf, good, type TestHub } from './network.ts'

const system = realSystem()
const log = { info() {}, warn() {}, error() {} }

export interface NetworkedHub {
  name: string
  live: LiveHub
  dataDir: string
}

/** Closed with the test. */
export function networkedHub(
  hub: TestHub,
  chain: RosterChain,
  connect: (name: string, prefix: string) => Servers,
): NetworkedHub {
  const dataDir = folderOf(hub, chain)
  const parts = { system, log, copies: memoryStore() }
  const network = good(openNetworkOver(connect, { dataDir, roster: null }, parts))
  const live = new LiveHub({ network })
  onTestFinished(() => live.close())
  return { name: hub.name, live, dataDir }
}

/** Resolves once `asker` can have a task of this model done by `server`. */
export async function shares(asker: NetworkedHub, server: NetworkedHub, model: string): Promise<void> {
  const isServing = () =>
    asker.live.hub.engine.scouts().some(({ operator, credits, offers }) => {
      return operator === `hub:${server.name}` && credits > 0 && offers.some((offer) => offer.model === model)
    })
  await until(`${asker.name} to have credits of ${server.name}`, isServing)
}
