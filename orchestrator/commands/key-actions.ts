/**
 * What the key command does, on the keyring and accounts of a data folder: the same as the routes for administrators,
 * checked by the same schemas, with `console` in the audit log. A hub that runs on the same folder notices within half
 * a second. Each returns what goes to standard output and what goes beside it, or why it was refused.
 */
import { type KeyScopes, limitsOf, scopesOf, storedLimits, storedScopes } from '../../shared/keys/key-terms.ts'
import type { HubAccounts } from '../accounts/accounts.ts'
import { fragmentOf } from '../accounts/sign-in/login-links.ts'
import { consoleActor, type Keyring, type KeyTrouble } from '../engine/keyring.ts'
import type { KeyRow } from '../engine/ports/account-store.ts'
import type { SignupMode } from '../engine/ports/accounts.ts'
import { pastEnd } from '../http/accounts/narrowing.ts'
import {
  accountChanges,
  accountChangesOf,
  accountRequest,
  settingChanges,
  wantedAccount,
} from '../http/schema/accounts/account-requests.ts'
import { keyChanges, keyChangesOf, keyRequest, wantedKey } from '../http/schema/accounts/key-requests.ts'
import { refusal } from '../http/schema/validation.ts'
import type { KeyCommand } from './key-arguments.ts'
import { accountLine, auditLine, keyLine } from './key-lines.ts'

interface ActionParts {
  keyring: Keyring
  accounts: HubAccounts
  /** Where people reach the hub with a browser. */
  pageUrl: string
  /** Wall clock. */
  nowMs: number
  /** What the folder is called, for people. */
  dataDir: string
}

export type Outcome = { output: string; hint?: string } | { flaw: string }
type Action = (parts: ActionParts, command: KeyCommand) => Outcome

const nextStep = {
  client: 'Give it to an OpenAI client as its API key.',
  scout: 'Give it to a scout as SCOUT_KEY.',
  admin: 'It may see everything and make and revoke keys: keep it close.',
}

const pageRows = 200

function troubled(id: string, trouble: KeyTrouble): Outcome {
  if (trouble === 'elsewhere') {
    return { flaw: `${id} is of another hub of the network: change or revoke it there.` }
  }
  if (trouble === 'sessions') {
    return { flaw: `The sessions of its account run under ${id}: suspend the account instead.` }
  }
  if (trouble === 'changed') return { flaw: `${id} has just been changed, or has no secret: look again with list.` }
  return { flaw: `There is no key ${id}, or it was revoked before: list shows them.` }
}

function make({ keyring, nowMs, dataDir }: ActionParts, { words, body }: KeyCommand): Outcome {
  const [role, name = role] = words
  const asked = { ...body, role, name }
  const flaw = refusal(keyRequest, asked) ?? pastEnd(wantedKey(asked), nowMs)
  if (flaw !== null) return { flaw: flaw.message }
  const { role: kind, name: called, ...terms } = wantedKey(asked)
  const ownerFlaw = keyring.ownerFlaw(terms.account)
  if (ownerFlaw !== null) return { flaw: ownerFlaw.message }
  const { key, row } = keyring.issue(kind, called, terms, consoleActor)
  return { output: `${key}\n`, hint: `${row.id} for the hub of ${dataDir}; shown this once. ${nextStep[kind]}` }
}

function list({ keyring, accounts }: ActionParts): Outcome {
  return { output: keyring.list().map(keyLineOf(accounts)).join('') }
}

function keyLineOf(accounts: HubAccounts): (row: KeyRow) => string {
  return (row) => keyLine(row, row.account === null ? undefined : accounts.account(row.account))
}

function regenerate({ keyring, dataDir }: ActionParts, { words: [id = ''] }: KeyCommand): Outcome {
  const before = keyring.row(id)
  const made = before === undefined ? 'unknown' : keyring.regenerate(id, before.generation, consoleActor)
  if (typeof made === 'string') return troubled(id, made)
  const hint = `${id} for the hub of ${dataDir}; shown this once. ${nextStep[made.row.role]}`
  return { output: `${made.key}\n`, hint }
}

function revoke({ keyring }: ActionParts, { words: [id = ''] }: KeyCommand): Outcome {
  const trouble = keyring.revoke(id, consoleActor)
  return trouble === null ? { output: '', hint: `${id} no longer works.` } : troubled(id, trouble)
}

/** Scopes, the end and limits: what is not named stays. */
function amendKey({ keyring, accounts, nowMs }: ActionParts, { words: [id = ''], body }: KeyCommand): Outcome {
  const before = keyring.row(id)
  if (before === undefined) return troubled(id, 'unknown')
  const flaw = refusal(keyChanges, body) ?? pastEnd(keyChangesOf(body), nowMs)
  if (flaw !== null) return { flaw: flaw.message }
  const asked = keyChangesOf(body)
  const { scopes, limits } = asked
  const changes = {
    ...asked,
    ...(scopes !== undefined && { scopes: mergedScopes(before.scopes, scopes, body.scopes as object) }),
    ...(limits !== undefined && { limits: mergedLimits(before.limits, limits, body.limits as object) }),
  }
  const amended = keyring.amend(id, changes, consoleActor)
  return typeof amended === 'string' ? troubled(id, amended) : { output: keyLineOf(accounts)(amended) }
}

function limit(parts: ActionParts, command: KeyCommand): Outcome {
  const [id = ''] = command.words
  return id.startsWith('acc_') ? amendAccount(parts, id, command.body) : amendKey(parts, command)
}

/** What is stored, but for the fields that were named. */
function mergedScopes(before: string | null, after: string | null, named: object): string | null {
  const [old, now] = [scopesOf(before), scopesOf(after)]
  const pick = <Name extends keyof KeyScopes>(name: Name) => (name in named ? now[name] : old[name])
  return storedScopes({ routes: pick('routes'), models: pick('models'), scouts: pick('scouts'), audit: pick('audit') })
}

function mergedLimits(before: string | null, after: string | null, named: object): string | null {
  const [old, now] = [limitsOf(before), limitsOf(after)]
  const of = (name: string) => (name in named ? now : old)
  return storedLimits({
    requestsPerMinute: of('requests_per_minute').requestsPerMinute,
    tokensPerMinute: of('tokens_per_minute').tokensPerMinute,
    budgets: of('budgets').budgets,
  })
}

function listAccounts({ accounts }: ActionParts): Outcome {
  let output = ''
  let before: string | undefined
  do {
    const rows = accounts.accounts({ limit: pageRows, ...(before !== undefined && { before }) })
    output += rows.map(accountLine).join('')
    before = rows.length < pageRows ? undefined : rows.at(-1)!.id
  } while (before !== undefined)
  return { output }
}

function account(parts: ActionParts, { words: [word = ''], body }: KeyCommand): Outcome {
  if (word.startsWith('acc_')) return amendAccount(parts, word, body)
  const asked = { ...body, name: word }
  const flaw = refusal(accountRequest, asked)
  if (flaw !== null) return { flaw: flaw.message }
  const made = parts.accounts.makeAccount(wantedAccount(asked), consoleActor)
  return 'code' in made ? { flaw: made.message } : { output: accountLine(made) }
}

function amendAccount({ accounts }: ActionParts, id: string, body: Record<string, unknown>): Outcome {
  const before = accounts.account(id)
  const flaw = refusal(accountChanges, body)
  if (before === undefined || flaw !== null) return { flaw: flaw?.message ?? `There is no account ${id}.` }
  const asked = accountChangesOf(body)
  const { limits } = asked
  const merged = limits === undefined ? {} : { limits: mergedLimits(before.limits, limits, body.limits as object) }
  const changed = accounts.changeAccount(id, { ...asked, ...merged }, consoleActor)
  return 'code' in changed ? { flaw: changed.message } : { output: accountLine(changed) }
}

function login({ accounts, pageUrl }: ActionParts, { words: [id] }: KeyCommand): Outcome {
  const made = accounts.links.make(id ?? null, consoleActor)
  if ('code' in made) return { flaw: made.message }
  const hint = `Signs in as ${made.account.name} (${made.account.id}), once, within 10 minutes.`
  return { output: `${pageUrl}${fragmentOf(made.token)}\n`, hint }
}

function settings({ accounts }: ActionParts, { body }: KeyCommand): Outcome {
  const flaw = refusal(settingChanges, body)
  if (flaw !== null) return { flaw: flaw.message }
  const { signup } = body as { signup?: SignupMode }
  if (signup !== undefined) accounts.setSignup(signup, consoleActor)
  return { output: `signup  ${accounts.signup()}\n` }
}

function audit({ accounts }: ActionParts, { subject, limit: rows }: KeyCommand): Outcome {
  const found = accounts.audit({ limit: rows, ...(subject !== null && { subject }) })
  return { output: found.map(auditLine).join('') }
}

export const keyActions: Record<KeyCommand['name'], Action> = {
  ...{ make, list, regenerate, revoke, scopes: amendKey, limits: limit },
  ...{ accounts: listAccounts, account, login, settings, audit },
}
