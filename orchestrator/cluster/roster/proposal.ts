/**
 * From one roster to the next: the founding document, the document that adds or removes a hub, and signatures under it
 * until there are enough. A proposal travels between operators as a file with the whole history and the new document at
 * its end, so that each of them can verify all of it before signing. Pure; the command is `commands/cluster.ts`.
 */
import { authoritiesMax } from '../../../shared/limits/cluster/roster.ts'
import type { Identity } from './identity.ts'
import { RosterChain } from './roster-chain.ts'
import {
  documentBytes,
  documentFlaw,
  type HubEntry,
  type RosterDocument,
  type SignedRoster,
} from './roster-document.ts'

export interface Proposal {
  /** What holds until the proposal does. */
  chain: RosterChain
  next: SignedRoster
}

/** A network of one hub, signed by it; or what is wrong with the hub's name or address, as a clause. */
export function foundedBy(identity: Identity, name: string, url: string): RosterChain | { flaw: string } {
  const document = { epoch: 1, previous: '', threshold: 1, hubs: [{ name, key: identity.key, url }] }
  const flaw = documentFlaw(document)
  if (flaw !== null) return { flaw }
  return RosterChain.verify([signed({ document, signatures: [] }, identity, name)])
}

/**
 * How many have to sign when nothing else is said: the majority from three hubs on, since two disjoint majorities
 * cannot sign two documents of one epoch. Of two hubs either is enough, or else the loss of one key would end changes.
 */
function usualThreshold(hubs: number): number {
  return hubs < 3 ? 1 : Math.floor(hubs / 2) + 1
}

/** The next document with this hub in it. A hub that is there already gets the key and address given. */
export function adding(chain: RosterChain, hub: HubEntry, threshold?: number): Proposal | { flaw: string } {
  const others = chain.latest.hubs.filter(({ name }) => name !== hub.name)
  if (others.length >= authoritiesMax) return { flaw: `a roster has at most ${authoritiesMax} hubs` }
  const hubs = [...others, hub].sort((one, other) => (one.name < other.name ? -1 : 1))
  return following(chain, hubs, threshold)
}

/** The next document without this hub. */
export function removing(chain: RosterChain, name: string, threshold?: number): Proposal | { flaw: string } {
  if (chain.authority(name) === undefined) return { flaw: `there is no hub ${name} in epoch ${chain.epoch}` }
  if (chain.latest.hubs.length === 1) return { flaw: `${name} is the only hub` }
  return following(
    chain,
    chain.latest.hubs.filter((hub) => hub.name !== name),
    threshold,
  )
}

function following(chain: RosterChain, hubs: HubEntry[], threshold?: number): Proposal | { flaw: string } {
  const document: RosterDocument = {
    epoch: chain.epoch + 1,
    previous: chain.head,
    threshold: threshold ?? usualThreshold(hubs.length),
    hubs,
  }
  const next = { document, signatures: [] }
  const judged = chain.judge(next)
  return 'flaw' in judged ? judged : { chain, next }
}

/** A file's documents as a proposal: the last one may lack signatures, all others must hold. */
export function readProposal(documents: readonly SignedRoster[]): Proposal | { flaw: string } {
  const next = documents.at(-1)
  if (next === undefined || documents.length < 2) return { flaw: 'it holds no proposal, only the first roster' }
  const chain = RosterChain.verify(documents.slice(0, -1))
  if ('flaw' in chain) return chain
  const judged = chain.judge(next)
  return 'flaw' in judged ? judged : { chain, next }
}

/** With the signature of this identity, which must be an authority of the present epoch; unchanged if it has one. */
export function signedBy(proposal: Proposal, identity: Identity): Proposal | { flaw: string } {
  const { chain, next } = proposal
  const name = chain.nameOf(identity.key)
  if (name === undefined) return { flaw: `the key of this hub is none of the authorities of epoch ${chain.epoch}` }
  if (next.signatures.some(({ by }) => by === name)) return proposal
  return { chain, next: signed(next, identity, name) }
}

function signed({ document, signatures }: SignedRoster, identity: Identity, by: string): SignedRoster {
  const signature = Buffer.from(identity.sign(documentBytes(document))).toString('base64url')
  return { document, signatures: [...signatures, { by, signature }] }
}
