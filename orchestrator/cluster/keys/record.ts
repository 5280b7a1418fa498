/**
 * What one hub tells the others of one of its keys or accounts, as bytes and back: a record that names the one before
 * it, so that what was recorded cannot be said again later. Keys of administrators are never told of. Records come from
 * other authorities, which are believed about what they made; their form is checked here.
 */
import { z } from 'zod'
import {
  budgetPeriods,
  budgetUnits,
  limitsOf,
  scopedRoutes,
  scopesOf,
  storedLimits,
  storedScopes,
} from '../../../shared/keys/key-terms.ts'
import { sharedRecordBytesMax } from '../../../shared/limits/cluster/keys.ts'
import { keyWeightMax, keyWeightMin, limitMax, scopeNamesMax } from '../../../shared/limits/keys.ts'
import { modelCharsMax, nameCharsMax } from '../../../shared/limits/wire.ts'
import { type AccountRow, accountStates, type KeyRow } from '../../engine/ports/account-store.ts'
import type { SharedAccountTerms, SharedKeyTerms, SharedRow } from '../../engine/ports/network/shared-keys.ts'
import { jsonIn } from '../roster/message.ts'

/** What a row says, without where it is from. */
export type SharedThing = Omit<SharedRow, 'home' | 'seq'>

export interface KeyRecord {
  /** The number in the log of the record that this one follows; 0 for the first of a key or an account. */
  previous: number
  thing: SharedThing
}

/** What the network is to know of a key; null for one that concerns its own hub alone. */
export function sharedKey(row: KeyRow, print: string | undefined): SharedThing | null {
  const { id, account, expiresMs, role, name, weight, generation, createdMs, revokedMs, last4 } = row
  if (role === 'admin' || generation === 0 || print === undefined) return null
  const scopes = storedScopes(scopesOf(row.scopes))
  const limits = storedLimits(limitsOf(row.limits))
  const terms: SharedKeyTerms = { role, name, weight, generation, scopes, limits, createdMs, revokedMs, last4 }
  return { id, print, account, expiresMs, terms: JSON.stringify(terms) }
}

export function sharedAccount({ id, name, state, limits, createdMs }: AccountRow): SharedThing {
  const terms: SharedAccountTerms = { name, state, limits: storedLimits(limitsOf(limits)), createdMs }
  return { id, print: null, account: null, expiresMs: null, terms: JSON.stringify(terms) }
}

/** Null when it is larger than a record may be. */
export function recordBytes({ previous, thing }: KeyRecord): Uint8Array | null {
  const { terms, ...row } = thing
  const bytes = Buffer.from(JSON.stringify({ previous, ...row, terms: JSON.parse(terms) }))
  return bytes.length > sharedRecordBytesMax ? null : bytes
}

/** Null for what is no record. */
export function readRecord(bytes: Uint8Array): KeyRecord | null {
  if (bytes.length > sharedRecordBytesMax) return null
  const parsed = recordForm.safeParse(jsonIn(bytes))
  if (!parsed.success) return null
  const { previous, terms, ...row } = parsed.data
  return { previous, thing: { ...row, terms: JSON.stringify(terms) } }
}

// ---------------------------------------------------------------- forms

const count = z.int().min(0)
const list = (chars: number, max: number) => z.array(z.string().min(1).max(chars)).max(max).nullable()
const wholeLimit = z.int().min(1).max(limitMax).nullable()

const scopesForm = z.strictObject({
  routes: z.array(z.enum(scopedRoutes)).max(scopedRoutes.length).nullable(),
  models: list(modelCharsMax + 1, scopeNamesMax),
  scouts: list(nameCharsMax, scopeNamesMax),
  audit: z.literal(false).optional(),
})

const budgetForm = z.strictObject({
  unit: z.enum(budgetUnits),
  per: z.enum(budgetPeriods),
  amount: z.int().min(1).max(limitMax),
})

const limitsForm = z.strictObject({
  requestsPerMinute: wholeLimit,
  tokensPerMinute: wholeLimit,
  budgets: z.array(budgetForm).max(budgetUnits.length * budgetPeriods.length),
})

/** A text of JSON of this form, as the store keeps it. */
function stored(form: z.ZodType) {
  const isOfForm = (text: string) => {
    try {
      return form.safeParse(JSON.parse(text)).success
    } catch {
      return false
    }
  }
  return z.string().refine(isOfForm).nullable()
}

const idOf = (kind: string) => z.string().regex(new RegExp(`^${kind}_[0-9a-z]{1,32}$`))
const nameForm = z.string().max(nameCharsMax)

const keyForm = z.strictObject({
  ...{ previous: count, id: idOf('key'), print: z.string().regex(/^[0-9a-f]{64}$/) },
  ...{ account: idOf('acc').nullable(), expiresMs: count.nullable() },
  terms: z.strictObject({
    ...{ role: z.enum(['client', 'scout']), name: nameForm, weight: z.number().min(keyWeightMin).max(keyWeightMax) },
    ...{ generation: z.int().min(1), scopes: stored(scopesForm), limits: stored(limitsForm) },
    ...{ createdMs: count, revokedMs: count.nullable(), last4: z.string().max(4).nullable() },
  }),
})

const accountForm = z.strictObject({
  ...{ previous: count, id: idOf('acc'), print: z.null(), account: z.null(), expiresMs: z.null() },
  terms: z.strictObject({
    ...{ name: nameForm, state: z.enum(accountStates), limits: stored(limitsForm), createdMs: count },
  }),
})

const recordForm = z.union([keyForm, accountForm])
