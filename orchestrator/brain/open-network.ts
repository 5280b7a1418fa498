/**
 * A hub's part in a network of hubs, for the hub in one process and for the brain: opened before the hub from what its
 * settings name, and started with it. Nothing of networks is loaded for a hub by itself.
 */
import { realSystem } from '../../shared/system.ts'
import type { Network } from '../cluster/network.ts'
import type { Config } from '../config.ts'
import type { HubEngine } from '../engine/engine.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Logger } from '../log.ts'

/** Null for a hub by itself. */
export async function openNetworkOf(config: Config, log: Logger): Promise<Network | { flaw: string } | null> {
  const { dataDir, clusterServers: servers, isClusterSecure: isSecure } = config
  const { clusterLogin: login, clusterRoster: roster } = config
  if (servers.length === 0) return null
  const { openNetwork } = await import('../cluster/network.ts')
  const { memoryStore } = await import('../store/memory/store.ts')
  const settings = { dataDir, servers, isSecure, login, roster }
  return openNetwork(settings, { system: realSystem(), log, copies: memoryStore() })
}

/** `gateway`: of the sessions that stand for other hubs. */
export function startNetwork(
  network: Pick<Network, 'start' | 'shareLedger'> | undefined,
  engine: HubEngine,
  gateway: Gateway,
): void {
  if (engine.ledger !== null) network?.shareLedger(engine.ledger)
  network?.start({
    localFleet: () => engine.localFleet(),
    submit: (submission) => engine.submit(submission),
    openPeer: (operator, address, socket, allowance) => gateway.openPeer(operator, address, socket, allowance),
  })
}
