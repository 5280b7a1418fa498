/**
 * What administrators may ask of accounts and settings, as schemas, and the same as the accounts take it. They also
 * feed `/openapi.json`.
 */
import { z } from 'zod'
import { accountRoles, accountStates } from '../../../engine/ports/account-store.ts'
import { type AccountChanges, type NewAccount, signupModes } from '../../../engine/ports/accounts.ts'
import { expects, textUpTo } from '../validation.ts'
import { limitsField, limitsToStore, plainName } from './key-requests.ts'

const role = z.enum(accountRoles, expects(`must be one of ${accountRoles.join(', ')}`))
const address = textUpTo(64).nullish().describe("The wallet's address: 0x and 40 hex digits; null for none.")

export const accountRequest = z.strictObject({ name: plainName, address, role: role.optional(), limits: limitsField })

export const accountChanges = z.strictObject({
  ...{ name: plainName.optional(), address, role: role.optional(), limits: limitsField },
  state: z.enum(accountStates, expects(`must be one of ${accountStates.join(', ')}`)).optional(),
})

export const settingChanges = z.strictObject({
  signup: z.enum(signupModes, expects(`must be one of ${signupModes.join(', ')}`)).optional(),
})

export function wantedAccount(body: Record<string, unknown>): NewAccount {
  const given = body as { name: string; address?: string | null; role?: NewAccount['role']; limits?: unknown }
  return {
    name: given.name,
    address: given.address ?? null,
    role: given.role ?? 'member',
    limits: limitsToStore(given.limits),
  }
}

/** What is absent stays, null takes away. */
export function accountChangesOf(body: Record<string, unknown>): AccountChanges {
  const { limits, ...rest } = body as AccountChanges
  return { ...rest, ...('limits' in body && { limits: limitsToStore(limits) }) }
}
