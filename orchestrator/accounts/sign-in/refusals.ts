/**
 * Why a sign-in is refused: one sentence for each row of the table in `docs/accounts.md`, in the order in which the
 * rows are checked. The first two rows, which a request meets before its body is read, are the client edge's.
 */
import { fault } from '../../../shared/faults.ts'
import type { AccountState } from '../../engine/ports/account-store.ts'

const refused = (sentence: string) => fault('sign_in_refused', sentence)
const forbidden = (sentence: string) => fault('permission_denied', sentence)

export function tooManyTries(waitMs: number) {
  const text = `Too many tries: wait ${Math.max(1, Math.ceil(waitMs / 1000))} s.`
  return fault('rate_limited', text, { retryAfterMs: waitMs })
}

export const noAddress = fault(
  'invalid_request',
  '`address` must be an Ethereum address: 0x and 40 hex digits, in lower case or with its checksum.',
  { param: 'address' },
)

export const unknownNonce = refused('This request is unknown or used: sign again.')
export const tooOld = refused('It took over 5 minutes: sign again.')

export function otherText(field: string) {
  return refused(`The signed text differs at ${field}: sign what the page shows.`)
}

export const noPlainSignature = refused(
  "Smart-contract wallets cannot be checked here: use an ordinary account or an operator's key.",
)
export const unreadable = refused('The signature cannot be read: sign again.')

/** `address`: the one that was asked to sign, with its checksum. */
export function otherSigner(address: string) {
  return refused(`Another account signed: choose ${address} in the wallet.`)
}

export const noSignup = forbidden('This hub takes no new accounts: ask its operator to add your address.')

export const closed: Record<Exclude<AccountState, 'active'>, ReturnType<typeof forbidden>> = {
  waiting: forbidden('This account waits to be let in: ask the operator.'),
  suspended: forbidden('This account is suspended: ask the operator.'),
}

export const keyChanged = fault('key_changed', 'The key changed meanwhile: look again.')
export const unknownKey = fault('not_found', 'There is no such key, or it was revoked: GET /v1/me/keys lists yours.')
export const unknownAccount = fault('not_found', 'There is no such account: GET /v1/admin/accounts lists them.')
export const adminsOnly = forbidden('Only an administrator makes such a key: ask the operator.')
export const badLink = refused('This link is unknown, used or over: make another one with npm run -s key -- login.')

export function badKey(flaw: string) {
  return fault('invalid_api_key', `The key was refused: ${flaw}.`)
}
