/** Networks of hubs for tests: identities made of small numbers, and the rosters that they sign. */
import { keepChain } from '../../../orchestrator/cluster/hub-files.ts'
import { makeIdentity } from '../../../orchestrator/cluster/identity-file.ts'
import { type Identity, identityOf } from '../../../orchestrator/cluster/roster/identity.ts'
import { adding, foundedBy, type Proposal, signedBy } from '../../../orchestrator/cluster/roster/proposal.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { temporaryFolder } from '../machine/temporary-folder.ts'

export interface TestHub {
  name: string
  seed: Uint8Array
  identity: Identity
  url: string
}

export function testHub(name: string, seed: number): TestHub {
  const bytes = new Uint8Array(32).fill(seed)
  return { name, seed: bytes, identity: identityOf(bytes), url: `https://${name}.example` }
}

/** The value, or an error with the sentence that came instead. */
export function good<T extends object>(value: T | { flaw: string }): T {
  if ('flaw' in value) throw new Error(value.flaw as string)
  return value
}

/** With the signatures of these hubs. */
export function signedByAll(proposal: Proposal, hubs: readonly TestHub[]): Proposal {
  return hubs.reduce((signed, { identity }) => good(signedBy(signed, identity)), proposal)
}

/** A network of these hubs, one epoch each; those that are in already sign in the order given. */
export function networkOf(hubs: readonly TestHub[]): RosterChain {
  const [founder, ...others] = hubs
  let chain = good(foundedBy(founder!.identity, founder!.name, founder!.url))
  others.forEach(({ name, identity, url }, at) => {
    const proposal = good(adding(chain, { name, key: identity.key, url }))
    const signers = hubs.slice(0, Math.min(at + 1, chain.latest.threshold))
    chain = good(chain.extended(signedByAll(proposal, signers).next))
  })
  return chain
}

/** A data folder of this hub in this network. */
export function folderOf(hub: TestHub, chain: RosterChain): string {
  const dataDir = temporaryFolder()
  good(makeIdentity(dataDir, hub.seed))
  const flaw = keepChain(dataDir, chain)
  if (flaw !== null) throw new Error(flaw.flaw)
  return dataDir
}
