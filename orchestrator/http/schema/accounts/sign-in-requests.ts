/**
 * What the page sends to sign in, as schemas: the challenge for a wallet with what is to be signed for, what came back
 * from it, a link's token, a key. They also feed `/openapi.json`.
 */
import { z } from 'zod'
import type { SignedAction } from '../../../engine/ports/accounts.ts'
import { expects, textUpTo } from '../validation.ts'
import { signedKeyRequest, wantedKey } from './key-requests.ts'

const keyId = textUpTo(64)
const wholeRule = expects('must be a whole number of at least 1')
const whole = z.int(wholeRule).min(1, wholeRule)
const actionRule = 'must be an object whose `type` is "sign_in", "make_key" or "regenerate_key"'

const signedAction = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('sign_in') }),
    z.strictObject({ type: z.literal('make_key'), key: signedKeyRequest }),
    z.strictObject({ type: z.literal('regenerate_key'), id: keyId, generation: whole }),
  ],
  expects(actionRule),
)

export const challengeRequest = z.strictObject({
  address: textUpTo(64).describe('The account that will sign: 0x and 40 hex digits.'),
  chain_id: whole.describe('The chain that the wallet is set to.'),
  action: signedAction,
})

export interface ChallengeBody {
  address: string
  chain_id: number
  action: { type: SignedAction['type']; key?: Record<string, unknown>; id?: string; generation?: number }
}

export const verifyRequest = z.strictObject({
  message: textUpTo(8_192).describe('The text of the challenge, as it was signed.'),
  signature: textUpTo(16_384).describe('What `personal_sign` returned: 0x and hex digits.'),
})

export const linkRequest = z.strictObject({ token: textUpTo(256) })
export const keySignInRequest = z.strictObject({ key: textUpTo(512) })
export const generationRequest = z.strictObject({
  generation: whole.describe('The generation that was looked at: another one is refused.'),
})

/** An action that has passed its schema. */
export function signedActionOf({ type, key, id, generation }: ChallengeBody['action']): SignedAction {
  if (type === 'sign_in') return { type }
  if (type === 'regenerate_key') return { type, id: id!, generation: generation! }
  const { weight: _, ...wanted } = wantedKey(key!)
  return { type, key: wanted }
}
