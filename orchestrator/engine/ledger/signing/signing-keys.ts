/**
 * With which key each scout signs: the first one with which it has signed an answer is pinned, in the chain and in the
 * store, and every other one is refused as such: its scout works on, and its receipts are not countersigned. The brain
 * brings sessions and their keys; of a fleet that does not sign nothing is kept here.
 */
import { AnswerCheck, keyText } from '../../../../shared/answers/answer-keys.ts'
import type { Pin } from '../../../ledger/accounts/events.ts'
import type { LedgerStore } from '../../ports/ledger/ledger-store.ts'

interface SigningKeysParts {
  store: Pick<LedgerStore, 'pinned'>
  /** Seals it; false while the store is in trouble. */
  seal: (pin: Pin) => boolean
}

/** A scout of which some session offers a key. */
interface Signer {
  scout: string
  /** The one that counts: the pinned one, else the first that was offered. */
  key: Uint8Array
  check: AnswerCheck
  isPinned: boolean
  /** By session, what it offers. */
  readonly offered: Map<number, Uint8Array>
}

export class SigningKeys {
  private readonly byScout = new Map<string, Signer>()
  private readonly bySession = new Map<number, Signer>()
  /** What was pinned last, null for a pin that was taken back: the store may not have it yet. */
  private readonly fresh = new Map<string, Uint8Array | null>()

  constructor(private readonly parts: SigningKeysParts) {}

  joined(session: number, scout: string, publicKey: Uint8Array): void {
    const own = new Uint8Array(publicKey)
    const known = this.byScout.get(scout)
    const signer = known ?? this.signerOf(scout, own)
    if (known === undefined) this.byScout.set(scout, signer)
    signer.offered.set(session, own)
    this.bySession.set(session, signer)
  }

  private signerOf(scout: string, offered: Uint8Array): Signer {
    const pinned = this.pinned(scout)
    const key = pinned ?? offered
    return { scout, key, check: new AnswerCheck(key), isPinned: pinned !== null, offered: new Map() }
  }

  private pinned(scout: string): Uint8Array | null {
    const fresh = this.fresh.get(scout)
    return fresh === undefined ? (this.parts.store.pinned(scout) ?? null) : fresh
  }

  /** False while the store is in trouble. */
  private pin(scout: string, key: Uint8Array | null): boolean {
    if (!this.parts.seal({ type: 'pin', scout, key: key && keyText(key) })) return false
    const [oldest] = this.fresh.keys()
    if (oldest !== undefined && this.fresh.size >= freshMax) this.fresh.delete(oldest)
    this.fresh.set(scout, key)
    return true
  }

  gone(session: number): void {
    const signer = this.bySession.get(session)
    if (signer === undefined) return
    this.bySession.delete(session)
    signer.offered.delete(session)
    if (signer.offered.size === 0) this.byScout.delete(signer.scout)
    else if (!signer.isPinned) this.choose(signer)
  }

  /** The first key that is offered now counts until one is pinned. */
  private choose(signer: Signer): void {
    const [key] = signer.offered.values()
    if (key !== undefined) Object.assign(signer, { key, check: new AnswerCheck(key), isPinned: false })
  }

  /** Whether what this session signs may count. */
  signs(session: number): boolean {
    const signer = this.bySession.get(session)
    return signer !== undefined && Buffer.compare(signer.offered.get(session)!, signer.key) === 0
  }

  /** Against which key signatures of this scout are checked; null for none, as when it is gone and was never pinned. */
  checkOf(scout: string): AnswerCheck | null {
    const known = this.byScout.get(scout)
    if (known !== undefined) return known.check
    const pinned = this.pinned(scout)
    return pinned && new AnswerCheck(pinned)
  }

  /** Something was signed with its key, which is pinned by now unless the store is in trouble: then false. */
  proved(scout: string): boolean {
    const signer = this.byScout.get(scout)
    if (signer === undefined || signer.isPinned) return true
    signer.isPinned = this.pin(scout, signer.key)
    return signer.isPinned
  }

  /** Its operator takes the pinned key back: the next one that signs is pinned. False when there is none. */
  unpin(scout: string): boolean {
    if (this.pinned(scout) === null || !this.pin(scout, null)) return false
    const signer = this.byScout.get(scout)
    if (signer !== undefined) this.choose(signer)
    return true
  }

  /** What the scout of this session is told; undefined for one that offers no key. */
  noteOf(session: number): string | undefined {
    const signer = this.bySession.get(session)
    if (signer === undefined) return undefined
    if (!this.signs(session)) return refused
    return signer.isPinned ? countersigned : begins
  }
}

/** More than are pinned until a commit is over. */
const freshMax = 1_000

const countersigned = 'Its receipts are countersigned with its key.'
const begins = 'Its key is kept with the first answer that it signs; then its receipts are countersigned.'
const refused =
  'Its receipts are not countersigned: the orchestrator keeps another key for this name. Start it with the file of ' +
  'that key, or have the kept one forgotten: docs/operations/ledger.md says how.'
