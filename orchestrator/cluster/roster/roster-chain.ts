/**
 * Proof of authority: a chain of roster documents in which each is signed by enough authorities of the one before, the
 * first by the hub that founded the network. Whoever has verified a chain knows who the authorities are now, extends it
 * by the next document, and notices forks: two documents of one epoch, both signed well enough. Pure and immutable; the
 * files come from `hub-files.ts`, proposals from `proposal.ts`, documents of other hubs from the cluster.
 */
import { rosterEpochsMax } from '../../../shared/limits/cluster/roster.ts'
import { bytesOfText, PublicKey, signatureBytes } from './identity.ts'
import {
  documentBytes,
  documentFlaw,
  documentHash,
  type HubEntry,
  type RosterDocument,
  type SignedRoster,
} from './roster-document.ts'

/** An authority whose signatures can be checked. */
export interface Authority extends HubEntry {
  readonly publicKey: PublicKey
}

/** What an authority of some epoch signs with, and the slot of its tasks (`task-space.ts`). */
export interface PastAuthority {
  key: string
  publicKey: PublicKey
  slot: number
}

/** How another chain stands to this one. */
export type Comparison =
  | { is: 'same' | 'older' }
  /** All of this one, and documents beyond it. */
  | { is: 'newer'; chain: RosterChain }
  /** Another document for an epoch that this chain has, signed well enough, or of another network altogether. */
  | { is: 'fork'; epoch: number }
  | { is: 'foreign' }

export class RosterChain {
  private readonly byName: ReadonlyMap<string, Authority>
  /** By key, everyone who ever was an authority; made when it is first asked for. */
  private past: Map<string, PastAuthority> | null = null

  private constructor(
    /** Oldest first; at least one. */
    readonly documents: readonly SignedRoster[],
    private readonly hashes: readonly string[],
  ) {
    const authorities = this.latest.hubs.map((hub): [string, Authority] => [hub.name, authorityOf(hub)])
    this.byName = new Map(authorities)
  }

  /** Verifies a whole history; or says what is wrong, as a clause. */
  static verify(documents: readonly SignedRoster[]): RosterChain | { flaw: string } {
    const [first, ...rest] = documents
    if (first === undefined) return { flaw: 'it is empty' }
    let chain = RosterChain.begin(first)
    for (const next of rest) {
      if ('flaw' in chain) return chain
      chain = chain.extended(next)
    }
    return chain
  }

  private static begin(first: SignedRoster): RosterChain | { flaw: string } {
    const { document } = first
    const flaw = documentFlaw(document)
    if (flaw !== null) return { flaw }
    if (document.epoch !== 1 || document.previous !== '') return { flaw: 'its history does not begin with epoch 1' }
    if (document.hubs.length !== 1) return { flaw: 'epoch 1 has another number of hubs than its founder alone' }
    const counted = signersOf(first, new Map(document.hubs.map((hub) => [hub.name, authorityOf(hub)])))
    if ('flaw' in counted) return counted
    if (counted.signers.length === 0) return { flaw: 'epoch 1 is not signed by its founder' }
    return new RosterChain([first], [documentHash(document)])
  }

  /** The document that holds now. */
  get latest(): RosterDocument {
    return this.documents.at(-1)!.document
  }

  get epoch(): number {
    return this.latest.epoch
  }

  /** Hash of the latest document, hexadecimal. */
  get head(): string {
    return this.hashes.at(-1)!
  }

  /** Hash of the first document, by which a network is known; hexadecimal. */
  get network(): string {
    return this.hashes[0]!
  }

  /** Undefined for whoever is no authority now. */
  authority(name: string): Authority | undefined {
    return this.byName.get(name)
  }

  /** The name under which a key is an authority now. */
  nameOf(key: string): string | undefined {
    return this.latest.hubs.find((hub) => hub.key === key)?.name
  }

  /** Who was an authority under this name in an epoch; undefined for whoever was none, and for epochs to come. */
  authorityAt(epoch: number, name: string): PastAuthority | undefined {
    const hub = this.documents[epoch - 1]?.document.hubs.find((entry) => entry.name === name)
    return hub && this.everyone().get(hub.key)
  }

  /** The slot of an authority's tasks; undefined for whoever never was one. */
  slotOf(key: string): number | undefined {
    return this.everyone().get(key)?.slot
  }

  /** The name under which the key of a slot was last in the roster; undefined for a slot that nobody has. */
  hubOfSlot(slot: number): string | undefined {
    for (const [key, past] of this.everyone()) {
      if (past.slot !== slot) continue
      return this.documents
        .findLast(({ document }) => document.hubs.some((hub) => hub.key === key))
        ?.document.hubs.find((hub) => hub.key === key)?.name
    }
    return undefined
  }

  private everyone(): Map<string, PastAuthority> {
    if (this.past !== null) return this.past
    const past = new Map<string, PastAuthority>()
    for (const { document } of this.documents) {
      for (const hub of document.hubs) {
        if (!past.has(hub.key))
          past.set(hub.key, { ...hub, publicKey: authorityOf(hub).publicKey, slot: past.size + 1 })
      }
    }
    this.past = past
    return past
  }

  /** With one more document; or what is wrong with it, as a clause. */
  extended(next: SignedRoster): RosterChain | { flaw: string } {
    const judged = this.judge(next)
    if ('flaw' in judged) return judged
    const { signers, missing } = judged
    if (missing > 0) {
      const { threshold } = this.latest
      return { flaw: `epoch ${next.document.epoch} has ${signers.length} of the ${threshold} signatures that it needs` }
    }
    return new RosterChain([...this.documents, next], [...this.hashes, documentHash(next.document)])
  }

  /** Who of the authorities signed a next document, and how many signatures it lacks; or why it can be none. */
  judge(next: SignedRoster): { signers: readonly string[]; missing: number } | { flaw: string } {
    const { document } = next
    const flaw = documentFlaw(document)
    if (flaw !== null) return { flaw: `in epoch ${document.epoch}, ${flaw}` }
    if (document.epoch !== this.epoch + 1) return { flaw: `epoch ${document.epoch} does not follow ${this.epoch}` }
    if (document.epoch > rosterEpochsMax) return { flaw: `its history has more than ${rosterEpochsMax} epochs` }
    if (document.previous !== this.head) return { flaw: `epoch ${document.epoch} follows another epoch ${this.epoch}` }
    const counted = signersOf(next, this.byName)
    if ('flaw' in counted) return counted
    return { signers: counted.signers, missing: Math.max(0, this.latest.threshold - counted.signers.length) }
  }

  /** Both chains are verified, so whatever differs was signed. */
  compare(other: RosterChain): Comparison {
    if (other.network !== this.network) return { is: 'foreign' }
    const shared = Math.min(this.hashes.length, other.hashes.length)
    for (let at = 0; at < shared; at++) {
      if (this.hashes[at] !== other.hashes[at]) return { is: 'fork', epoch: at + 1 }
    }
    if (other.hashes.length === this.hashes.length) return { is: 'same' }
    return other.hashes.length < this.hashes.length ? { is: 'older' } : { is: 'newer', chain: other }
  }
}

function authorityOf(hub: HubEntry): Authority {
  const publicKey = PublicKey.read(hub.key)
  if (publicKey === null) throw new Error('the key of a checked document can be read')
  return { ...hub, publicKey }
}

/** Distinct authorities whose signatures are good. One bad signature spoils the document: nobody honest adds one. */
function signersOf(
  { document, signatures }: SignedRoster,
  authorities: ReadonlyMap<string, Authority>,
): { signers: readonly string[] } | { flaw: string } {
  const bytes = documentBytes(document)
  const signers = new Set<string>()
  for (const { by, signature } of signatures) {
    const authority = authorities.get(by)
    if (authority === undefined)
      return { flaw: `epoch ${document.epoch} is signed by ${by}, who is no authority for it` }
    if (signers.has(by)) return { flaw: `epoch ${document.epoch} is signed twice by ${by}` }
    const given = bytesOfText(signature, signatureBytes)
    if (given === null || !authority.publicKey.verifies(bytes, given)) {
      return { flaw: `the signature of ${by} under epoch ${document.epoch} does not fit` }
    }
    signers.add(by)
  }
  return { signers: [...signers] }
}
