/**
 * What may be asked of a key, as schemas: its role, name, scopes, limits and end, when it is made and when it is
 * changed; and the same as the store keeps it. The schemas also feed `/openapi.json`.
 */
import { z } from 'zod'
import { keyRoles } from '../../../../shared/keys/api-key.ts'
import {
  type Budget,
  budgetPeriods,
  type NamedScopes,
  scopedRoutes,
  storedLimits,
  storedScopes,
} from '../../../../shared/keys/key-terms.ts'
import { keyWeightMax, keyWeightMin, limitMax, scopeNamesMax } from '../../../../shared/limits/keys.ts'
import { modelCharsMax, nameCharsMax } from '../../../../shared/limits/wire.ts'
import type { KeyChanges } from '../../../engine/keyring.ts'
import type { WantedKey } from '../../../engine/ports/accounts.ts'
import { expects, integerFrom, listOf, numberFrom, textUpTo } from '../validation.ts'

const microDollars = 1_000_000

/** Names that people see in lists and terminals. */
export const plainName = textUpTo(nameCharsMax).regex(/^\P{C}*$/u, expects('must have no control characters'))

const routesRule = `must be a list of ${scopedRoutes.join(', ')}`
const modelRule = 'must be the name of a model, or a beginning of names with `*` behind'
const modelPattern = textUpTo(modelCharsMax).regex(/^[^*\p{C}]+\*?$|^\*$/u, expects(modelRule))
const namesRule = (what: string) => `must be a list of at most ${scopeNamesMax} ${what}`

const scopesField = z
  .strictObject(
    {
      routes: listOf(z.enum(scopedRoutes, expects(`must be one of ${scopedRoutes.join(', ')}`)), routesRule, 4)
        .nullish()
        .describe('What it may be used for; everything when absent.'),
      models: listOf(modelPattern, namesRule('names of models'), scopeNamesMax)
        .nullish()
        .describe('Models it may ask for: names, or beginnings of names with `*` behind.'),
      scouts: listOf(plainName, namesRule('names of scouts'), scopeNamesMax)
        .nullish()
        .describe('The names that scouts with it may have.'),
      audit: z
        .boolean(expects('must be a boolean'))
        .nullish()
        .describe('false: what is asked with it is shown to no scout but those that serve it; true when absent.'),
    },
    expects('must be an object of scopes'),
  )
  .nullish()

const amountRule = `must be a number above zero, in dollars with at most six decimals, else whole`
const budget = z
  .strictObject(
    {
      unit: z.enum(['usd', 'tokens'], expects('must be "usd" or "tokens"')),
      per: z.enum(budgetPeriods, expects(`must be one of ${budgetPeriods.join(', ')}`)),
      amount: z.number(expects(amountRule)).gt(0, expects(amountRule)).max(limitMax, expects(amountRule)),
    },
    expects('must be an object with `unit`, `per` and `amount`'),
  )
  .superRefine(({ unit, amount }, context) => {
    const count = unit === 'usd' ? amount * microDollars : amount
    const isWhole = unit === 'usd' ? Math.abs(count - Math.round(count)) < 1e-3 && count >= 1 : Number.isInteger(count)
    if (!isWhole) context.addIssue({ code: 'custom', path: ['amount'], message: amountRule })
  })

const budgetsRule = 'must be a list with at most one budget for each unit and period'
export const limitsField = z
  .strictObject(
    {
      requests_per_minute: integerFrom(1, limitMax),
      tokens_per_minute: integerFrom(1, limitMax),
      budgets: listOf(budget, budgetsRule, 6).nullish(),
    },
    expects('must be an object of limits'),
  )
  .superRefine((limits, context) => {
    const list = (limits.budgets ?? []) as { unit: string; per: string }[]
    const kinds = new Set(list.map(({ unit, per }) => `${unit} ${per}`))
    if (kinds.size < list.length) context.addIssue({ code: 'custom', path: ['budgets'], message: budgetsRule })
  })
  .nullish()

const expires = integerFrom(1, 8_640_000_000_000).describe('When it stops working, in seconds since 1970.')
const weight = numberFrom(keyWeightMin, keyWeightMax).describe(
  "Its turns in the queue for each one of another key's that has 1; 1 when absent.",
)
const name = plainName.describe('For people: whose key it is. Shown in listings.')
const role = z.enum(keyRoles, expects(`must be one of ${keyRoles.join(', ')}`))
const account = textUpTo(64).nullish().describe('The id of the account that it is to belong to.')

export const keyRequest = z.strictObject({
  ...{ role, name, weight, account, scopes: scopesField, limits: limitsField, expires },
})
/** The same, as something that a wallet signs for. */
export const signedKeyRequest = z.strictObject(
  { role, name, account, scopes: scopesField, limits: limitsField, expires },
  expects('must be an object with `role` and `name`'),
)
export const ownKeyChanges = z.strictObject({
  ...{ name: name.optional(), scopes: scopesField, limits: limitsField, expires },
})
export const keyChanges = z.strictObject({ ...ownKeyChanges.shape, weight })

interface ShownLimits {
  requests_per_minute?: number | null
  tokens_per_minute?: number | null
  budgets?: { unit: 'usd' | 'tokens'; per: Budget['per']; amount: number }[] | null
}

/** As the store keeps them. `limits` has passed `limitsField`. */
export function limitsToStore(limits: unknown): string | null {
  const { requests_per_minute, tokens_per_minute, budgets } = (limits ?? {}) as ShownLimits
  return storedLimits({
    requestsPerMinute: requests_per_minute ?? null,
    tokensPerMinute: tokens_per_minute ?? null,
    budgets: (budgets ?? []).map(({ unit, per, amount }) =>
      unit === 'tokens'
        ? { unit, per, amount }
        : { unit: 'micro_dollars', per, amount: Math.round(amount * microDollars) },
    ),
  })
}

/** As the store keeps them. `scopes` has passed `scopesField`. */
function scopesToStore(scopes: unknown): string | null {
  return storedScopes((scopes ?? {}) as NamedScopes)
}

interface KeyBody {
  role: WantedKey['role']
  name: string
  weight?: number | null
  account?: string | null
  scopes?: unknown
  limits?: unknown
  expires?: number | null
}

/** A body that has passed one of the two schemas for new keys. */
export function wantedKey(body: Record<string, unknown>): WantedKey & { weight: number } {
  const {
    role: wanted,
    name: called,
    weight: turns,
    account: owner,
    expires: end,
    ...terms
  } = body as unknown as KeyBody
  return {
    ...{ role: wanted, name: called, weight: turns ?? 1, account: owner ?? null },
    ...{ scopes: scopesToStore(terms.scopes), limits: limitsToStore(terms.limits) },
    expiresMs: end == null ? null : end * 1000,
  }
}

/** What a body that has passed a schema of changes changes: what is absent stays, null takes a restriction away. */
export function keyChangesOf(body: Record<string, unknown>): KeyChanges {
  const { name: called, weight: turns, expires: end } = body as Partial<KeyBody>
  return {
    ...(called !== undefined && { name: called }),
    ...(typeof turns === 'number' && { weight: turns }),
    ...('scopes' in body && { scopes: scopesToStore(body.scopes) }),
    ...('limits' in body && { limits: limitsToStore(body.limits) }),
    ...(end !== undefined && { expiresMs: end === null ? null : end * 1000 }),
  }
}
