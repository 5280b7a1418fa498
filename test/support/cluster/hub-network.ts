/** Real hubs of one network in this process, each with its own scouts, over a bus that the test chooses. */
import { onTestFinished } from 'vitest'
import { type Network, openNetworkOver, type Servers } from '../../../orchestrator/cluster/network.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { realSystem, type System } from '../../../shared/system.ts'
import { until } from '../clocks/until.ts'
import { LiveHub, quietConfig } from '../hub/live-hub.ts'
import { folderOf, good, type TestHub } from './network.ts'

const log = { info() {}, warn() {}, error() {} }

export interface NetworkedHub {
  name: string
  live: LiveHub
  network: Network
  dataDir: string
}

type Connect = (name: string, prefix: string) => Servers

/** A hub's part in a network, for whoever starts the hub. */
export function openedNetwork(
  hub: TestHub,
  chain: RosterChain,
  connect: Connect,
  system: System = realSystem(),
): { network: Network; dataDir: string } {
  const dataDir = folderOf(hub, chain)
  const parts = { system, log, copies: memoryStore() }
  return { network: good(openNetworkOver(connect, { dataDir, roster: null }, parts)), dataDir }
}

/** Closed with the test. */
export function networkedHub(hub: TestHub, chain: RosterChain, connect: Connect, system?: System): NetworkedHub {
  const { network, dataDir } = openedNetwork(hub, chain, connect, system)
  const live = new LiveHub({ network, config: quietConfig(dataDir) })
  onTestFinished(() => live.close())
  return { name: hub.name, live, network, dataDir }
}

/** Resolves once `asker` can have a task of this model done by `server`. */
export async function shares(
  asker: Pick<NetworkedHub, 'name' | 'live'>,
  server: Pick<NetworkedHub, 'name'>,
  model: string,
): Promise<void> {
  const isServing = () =>
    asker.live.hub.engine.scouts().some(({ operator, credits, offers }) => {
      return operator === `hub:${server.name}` && credits > 0 && offers.some((offer) => offer.model === model)
    })
  await until(`${asker.name} to have credits of ${server.name}`, isServing)
}
