/**
 * Signing with a wallet: writes the text that is to be signed and keeps it with what it is for; checks what comes back
 * in the order of the table in `docs/accounts.md`. Whoever asked then has the account that signed, and what for. What
 * that means for accounts, keys and sessions is `accounts.ts`'s.
 */
import { createHash } from 'node:crypto'
import type { Fault } from '../../../shared/faults.ts'
import { challengeMs, challengesPerMinute } from '../../../shared/limits/keys.ts'
import type { System } from '../../../shared/system.ts'
import type { Challenge, SignedAction, Visitor } from '../../engine/ports/accounts.ts'
import { checksummed, plainAddress, signatureBytes, signatureOf, signerOf } from '../wallet/ethereum.ts'
import { differingField, nonceIn, signInText } from '../wallet/sign-in-text.ts'
import { Challenges, isTooOld, type PendingChallenge } from './challenges.ts'
import * as refusals from './refusals.ts'
import { networkOf, Tries } from './tries.ts'

const nonceBytes = 16

/** Who signed, and for what. */
export interface Signed {
  /** In lower case. */
  address: string
  action: SignedAction
}

export class WalletSignIn {
  private readonly challenges = new Challenges()
  private readonly asked = new Tries(challengesPerMinute)

  constructor(private readonly system: System) {}

  challenge(visitor: Visitor, wanted: { address: string; chainId: number; action: SignedAction }): Challenge | Fault {
    const nowMs = this.system.nowMs()
    const waitMs = this.asked.add(visitor.address, nowMs) ?? this.challenges.fullFor(visitor.address, nowMs)
    if (waitMs !== null) return refusals.tooManyTries(waitMs)
    const address = plainAddress(wanted.address)
    if (address === null) return refusals.noAddress
    const nonce = Buffer.from(this.system.randomBytes(nonceBytes)).toString('hex')
    const issuedMs = this.system.wallMs()
    const { domain, origin } = visitor
    const { chainId, action } = wanted
    const times = { issuedMs, expiresMs: issuedMs + challengeMs }
    const facts = { domain, origin, chainId, nonce, ...times, address: checksummed(address), ...meaningOf(action) }
    const message = signInText(facts)
    const network = networkOf(visitor.address)
    this.challenges.add({ nonce, message, address, domain, action, madeMs: nowMs, network })
    return { nonce, message, expiresInMs: challengeMs }
  }

  /** Synchronous, so that of many tries with one challenge only the first one finds it. */
  verify(visitor: Visitor, { message, signature }: { message: string; signature: string }): Signed | Fault {
    const challenge = this.challenges.take(nonceIn(message) ?? '')
    if (challenge === undefined) return refusals.unknownNonce
    if (isTooOld(challenge, this.system.nowMs())) return refusals.tooOld
    const field = visitor.domain === challenge.domain ? differingField(challenge.message, message) : 'domain'
    if (field !== null) return refusals.otherText(field)
    return signedBy(challenge, signature)
  }
}

function signedBy({ message, address, action }: PendingChallenge, text: string): Signed | Fault {
  const signature = signatureOf(text)
  if (signature?.length !== signatureBytes) return refusals.noPlainSignature
  const signer = signerOf(message, signature)
  if (signer === null) return refusals.unreadable
  return signer === address ? { address, action } : refusals.otherSigner(checksummed(address))
}

/** What the text says about an action, and what binds it to exactly that. */
function meaningOf(action: SignedAction): { statement: string; resources: string[] } {
  if (action.type === 'sign_in') return { statement: 'Sign in to this Chasm hub.', resources: [] }
  if (action.type === 'regenerate_key') {
    const { id, generation } = action
    const statement = `Replace the secret of the key ${id}. The old one stops working at once.`
    return { statement, resources: [`urn:chasm:key:${id}:generation:${generation}`] }
  }
  const asked = createHash('sha256').update(JSON.stringify(action.key)).digest('hex')
  const whose = action.key.account === null ? 'this account' : `the account ${action.key.account}`
  return { statement: `Make a ${action.key.role} key of ${whose}.`, resources: [`urn:chasm:new-key:sha256:${asked}`] }
}
