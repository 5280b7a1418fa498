/**
 * What each form of the cluster command does with a data folder and a file, and what it tells. The rules of rosters are
 * in `cluster/roster`; here are only the sentences and the order in which files are read and written.
 */
import type { System } from '../../shared/system.ts'
import { keepChain, noteSigned, readChain, readDocuments, writeDocuments } from '../cluster/hub-files.ts'
import { hubFilesOf, makeIdentity, readIdentity } from '../cluster/identity-file.ts'
import { type Identity, seedBytes } from '../cluster/roster/identity.ts'
import { adding, foundedBy, type Proposal, readProposal, removing, signedBy } from '../cluster/roster/proposal.ts'
import { RosterChain } from '../cluster/roster/roster-chain.ts'
import { documentHash, type RosterDocument } from '../cluster/roster/roster-document.ts'

interface ProposalTerms {
  threshold?: number
  /** Where the proposal goes; a name made of its epoch otherwise. */
  out?: string
  /** Instead of another document of its epoch that this hub signed. */
  replaces: boolean
}

export type ClusterCommand =
  | { name: 'identity' }
  | { name: 'init'; hub: string; url: string }
  | ({ name: 'add'; hub: string; key: string; url: string } & ProposalTerms)
  | ({ name: 'remove'; hub: string } & ProposalTerms)
  | { name: 'sign'; file: string; replaces: boolean }
  | { name: 'show'; file?: string }
  | { name: 'verify'; file: string }

export type ClusterOutcome = { output: string; hint?: string } | { flaw: string }

/** How much of a hash tells two networks or documents apart for a person. */
const hashCharsShown = 12

export function clusterActions(dataDir: string, system: System, command: ClusterCommand): ClusterOutcome {
  switch (command.name) {
    case 'identity':
      return showIdentity(makeIdentity(dataDir, system.randomBytes(seedBytes)))
    case 'init':
      return found(dataDir, system, command)
    case 'add':
    case 'remove':
      return propose(dataDir, command)
    case 'sign':
      return sign(dataDir, command.file, command.replaces)
    case 'show':
      return show(dataDir, command.file ?? hubFilesOf(dataDir).roster)
    case 'verify':
      return verify(dataDir, command.file)
  }
}

function showIdentity(identity: Identity | { flaw: string }): ClusterOutcome {
  if ('flaw' in identity) return identity
  const hint = 'An authority of a network adds this hub with: npm run -s cluster -- propose add NAME KEY URL'
  return { output: `${identity.key}\n`, hint }
}

function found(dataDir: string, system: System, { hub, url }: { hub: string; url: string }): ClusterOutcome {
  const { roster, key } = hubFilesOf(dataDir)
  const kept = readChain(roster)
  if (kept !== null) return 'flaw' in kept ? kept : { flaw: `${roster} exists already: this hub belongs to a network.` }
  const identity = makeIdentity(dataDir, system.randomBytes(seedBytes))
  if ('flaw' in identity) return identity
  const chain = foundedBy(identity, hub, url)
  if ('flaw' in chain) return { flaw: `No network was founded: ${chain.flaw}.` }
  const flaw = keepChain(dataDir, chain)
  if (flaw !== null) return flaw
  return { output: rosterLines(chain, identity.key), hint: `Back up ${key}: whoever has it is this hub.` }
}

function propose(dataDir: string, command: Extract<ClusterCommand, { name: 'add' | 'remove' }>): ClusterOutcome {
  const here = openHub(dataDir)
  if ('flaw' in here) return here
  const { hub, threshold, replaces } = command
  const proposal =
    command.name === 'add'
      ? adding(here.chain, { name: hub, key: command.key, url: command.url }, threshold)
      : removing(here.chain, hub, threshold)
  if ('flaw' in proposal) return { flaw: `Nothing was proposed: ${proposal.flaw}.` }
  const file = command.out ?? `roster-epoch-${proposal.next.document.epoch}.json`
  return put(dataDir, { ...here, proposal, file, replaces })
}

function sign(dataDir: string, file: string, replaces: boolean): ClusterOutcome {
  const here = openHub(dataDir)
  if ('flaw' in here) return here
  const documents = readDocuments(file)
  if (documents === null) return { flaw: `${file} does not exist.` }
  if ('flaw' in documents) return documents
  const proposal = readProposal(documents)
  if ('flaw' in proposal) return { flaw: `${file} cannot be signed: ${proposal.flaw}.` }
  const stand = here.chain.compare(proposal.chain)
  if (stand.is === 'newer') {
    return {
      flaw: `${file} is for epoch ${proposal.next.document.epoch}, and this hub knows only ${here.chain.epoch}.`,
    }
  }
  if (stand.is !== 'same') return { flaw: `${file} does not follow the roster that holds here: propose it anew.` }
  return put(dataDir, { ...here, proposal, file, replaces })
}

interface Signing {
  identity: Identity
  proposal: Proposal
  file: string
  replaces: boolean
}

/** Signs, writes the file, and lets a complete roster hold here. */
function put(dataDir: string, { identity, proposal, file, replaces }: Signing): ClusterOutcome {
  const signed = signedBy(proposal, identity)
  if ('flaw' in signed) return { flaw: `Nothing was signed: ${signed.flaw}.` }
  const { chain, next } = signed
  // Noted before the signature leaves this process: what nobody knows of cannot be refused later.
  const noted = noteSigned(dataDir, { epoch: next.document.epoch, hash: documentHash(next.document) }, replaces)
  if (noted !== null) return noted
  const written = writeDocuments(file, [...chain.documents, next])
  if (written !== null) return written
  const judged = chain.judge(next)
  if ('flaw' in judged) return judged
  if (judged.missing > 0) {
    const lines = hubLines(next.document, identity.key)
    const hint = `${judged.missing} more of its authorities must sign it: npm run -s cluster -- sign ${file}`
    return { output: `Proposal of epoch ${next.document.epoch} in ${file}:\n${lines}`, hint }
  }
  const extended = chain.extended(next)
  if ('flaw' in extended) return extended
  const flaw = keepChain(dataDir, extended)
  if (flaw !== null) return flaw
  const hint = `It holds here now; a hub that is new to the network starts with CLUSTER_ROSTER=${file}.`
  return { output: rosterLines(extended, identity.key), hint }
}

function verify(dataDir: string, file: string): ClusterOutcome {
  const chain = readChain(file)
  if (chain !== null && 'flaw' in chain) return chain
  return show(dataDir, file)
}

function show(dataDir: string, file: string): ClusterOutcome {
  const identity = readIdentity(dataDir)
  if (identity !== null && 'flaw' in identity) return identity
  const documents = readDocuments(file)
  if (documents === null) {
    const advice = 'found a network with `init NAME URL`, or show `identity` to an authority of one'
    return { flaw: `There is no roster at ${file}: ${advice}.` }
  }
  if ('flaw' in documents) return documents
  const chain = RosterChain.verify(documents)
  if (!('flaw' in chain)) return { output: rosterLines(chain, identity?.key) }
  const proposal = readProposal(documents)
  if ('flaw' in proposal) return { flaw: `${file} does not hold: ${chain.flaw}.` }
  const judged = proposal.chain.judge(proposal.next)
  if ('flaw' in judged) return { flaw: `${file} does not hold: ${judged.flaw}.` }
  const { document } = proposal.next
  const signers = judged.signers.length === 0 ? 'nobody' : judged.signers.join(', ')
  const head = `Proposal of epoch ${document.epoch}, signed by ${signers}; ${judged.missing} more must sign.\n`
  return { output: head + hubLines(document, identity?.key) }
}

/** The identity and roster of this folder; both are needed for a change. */
function openHub(dataDir: string): { identity: Identity; chain: RosterChain } | { flaw: string } {
  const { roster } = hubFilesOf(dataDir)
  const identity = readIdentity(dataDir)
  if (identity !== null && 'flaw' in identity) return identity
  const chain = readChain(roster)
  if (chain !== null && 'flaw' in chain) return chain
  if (identity === null || chain === null) {
    const advice = 'start this hub once with CLUSTER_ROSTER, or found a network with `init NAME URL`'
    return { flaw: `${roster} does not exist, so there is nothing to change: ${advice}.` }
  }
  return { identity, chain }
}

function rosterLines(chain: RosterChain, ownKey: string | undefined): string {
  const { epoch, threshold, hubs } = chain.latest
  const network = chain.network.slice(0, hashCharsShown)
  const head = `Network ${network}, epoch ${epoch}: a change needs ${threshold} of ${hubs.length} signatures.\n`
  return head + hubLines(chain.latest, ownKey)
}

function hubLines({ hubs }: RosterDocument, ownKey: string | undefined): string {
  const width = Math.max(...hubs.map(({ name }) => name.length))
  const mark = (key: string) => (key === ownKey ? '  (this hub)' : '')
  return hubs.map(({ name, key, url }) => `  ${name.padEnd(width)}  ${key}  ${url}${mark(key)}\n`).join('')
}
