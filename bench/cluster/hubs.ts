/**
 * Hubs of one network under measurement: real NATS servers and hub processes on this machine, whose identities and
 * roster are made here. All of it ends with the scenario.
 */
import { keepChain } from '../../orchestrator/cluster/hub-files.ts'
import { makeIdentity } from '../../orchestrator/cluster/identity-file.ts'
import { networkOf, testHub } from '../../test/support/cluster/network.ts'
import { findNats, NatsServer } from '../../test/support/cluster/programs/nats-server.ts'
import { HubUnderTest } from '../fleet/hub.ts'
import { sleep } from '../load/calls.ts'
import { cpuMsOfPid, type Usage } from '../load/child.ts'
import type { Stage } from '../scenarios/stage.ts'

const serverCount = 3
const pollMs = 50

export interface Hubs {
  servers: readonly NatsServer[]
  alpha: HubUnderTest
  beta: HubUnderTest
  gamma: HubUnderTest
}

export async function openHubs(stage: Stage): Promise<Hubs> {
  const found = await findNats()
  if ('reason' in found) throw new Error(found.reason)
  const servers = await NatsServer.withStreams(found.path, serverCount)
  stage.closesWith(async () => void (await Promise.all(servers.map((server) => server.remove()))))
  const identities = ['alpha', 'beta', 'gamma'].map((name, at) => testHub(name, at + 1))
  const chain = networkOf(identities)
  const starting = identities.map(({ seed }, at) => {
    const addresses = servers.map((_, turn) => servers[(at + turn) % servers.length]!.address)
    return HubUnderTest.startInNetwork(stage.options.profileDir, addresses, (dataDir) => {
      const identity = makeIdentity(dataDir, seed)
      const flaw = 'flaw' in identity ? identity : keepChain(dataDir, chain)
      if (flaw !== null) throw new Error(flaw.flaw)
    })
  })
  const [alpha, beta, gamma] = (await Promise.all(starting)) as [HubUnderTest, HubUnderTest, HubUnderTest]
  for (const hub of [alpha, beta, gamma]) stage.closesWith(() => hub.close())
  return { servers, alpha, beta, gamma }
}

/** What several hubs cost together. */
export function together(...hubs: readonly { usage(): Usage }[]): { usage(): Usage } {
  const sum = (of: keyof Usage) => hubs.reduce((total, hub) => total + hub.usage()[of], 0)
  return { usage: () => ({ cpuMs: sum('cpuMs'), rssMb: sum('rssMb') }) }
}

export function serversMs({ servers }: Hubs): number {
  return servers.reduce((sum, { pid }) => sum + cpuMsOfPid(pid), 0)
}

/** Resolves once `asker` may have at least so many tasks of this model at once from each of these hubs. */
export async function lends(
  asker: HubUnderTest,
  model: string,
  credits: number,
  ...names: readonly string[]
): Promise<void> {
  for (;;) {
    const others = await asker.creditsOfOthers(model)
    if (names.every((name) => others.some((other) => other.hub === name && other.credits >= credits))) return
    await sleep(pollMs)
  }
}
