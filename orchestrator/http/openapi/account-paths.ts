/**
 * Accounts, keys, sign-in, settings and the audit log in the OpenAPI document: operations and the schemas of what they
 * answer. Request bodies come from the schemas that check them.
 */
import { keyRoles } from '../../../shared/keys/api-key.ts'
import { budgetPeriods, scopedRoutes } from '../../../shared/keys/key-terms.ts'
import { accountRoles, accountStates } from '../../engine/ports/account-store.ts'
import { signupModes } from '../../engine/ports/accounts.ts'
import { count, inQuery, type Json, json, type Operation, object, ref, seconds, text, texts } from './parts.ts'

const textOrNull = { type: ['string', 'null'] }
const secondsOrNull = { ...seconds, type: ['integer', 'null'] }
const countOrNull = { ...count, type: ['integer', 'null'] }
const orNull = (name: string): Json => ({ anyOf: [ref(name), { type: 'null' }] })
const pageOf = (name: string): Json =>
  object({
    ...{ object: { const: 'list' }, data: { type: 'array', items: ref(name) } },
    next: { ...textOrNull, description: 'Ask on with it as `before`; null at the end.' },
  })

const keyFields = {
  ...{ id: text, object: { const: 'key' }, role: { enum: keyRoles }, name: text },
  weight: { type: 'number', description: "Its turns in the queue for each one of another key's that has 1." },
  tenant: { ...text, description: 'Whose work it reaches: its account, else itself.' },
  account: textOrNull,
  generation: { ...count, description: 'How many secrets it has had; 0 for the key of the sessions of an account.' },
  last4: { ...textOrNull, description: 'Its last four characters.' },
  scopes: orNull('Scopes'),
  limits: orNull('Limits'),
  ...{ created: seconds, expires: secondsOrNull, revoked: secondsOrNull },
  open: { ...object({ scouts: count, streams: count }), description: 'What a revocation would end now.' },
}
const rights = {
  ...{ account: orNull('Account'), key: textOrNull, role: { enum: keyRoles }, tenant: text },
  mints: { enum: ['signature', 'session', 'never'], description: 'How it makes keys.' },
  mints_until: secondsOrNull,
}
const standing = object({
  ...{ per: { enum: budgetPeriods }, unit: { enum: ['tokens', 'micro_dollars'] } },
  ...{ limit: count, used: count, reserved: count, resets_at: text },
})
const shownKey = { key: { ...text, description: 'The key itself. It is never shown again.' } }

export const accountSchemas: Json = {
  Account: object({
    ...{ id: text, object: { const: 'account' }, address: textOrNull, name: text, role: { enum: accountRoles } },
    ...{ state: { enum: accountStates }, limits: orNull('Limits'), created: seconds },
  }),
  Scopes: object(
    {
      routes: { type: ['array', 'null'], items: { enum: scopedRoutes } },
      models: { ...texts, type: ['array', 'null'], description: 'Names, or beginnings of names with `*` behind.' },
      scouts: { ...texts, type: ['array', 'null'], description: 'The names that its scouts may have.' },
      audit: {
        type: 'boolean',
        description: 'false: what is asked with it is shown to no scout but those that serve it. Absent: true.',
      },
    },
    ['audit'],
  ),
  Limits: object({
    requests_per_minute: countOrNull,
    tokens_per_minute: countOrNull,
    budgets: {
      type: 'array',
      items: object({ unit: { enum: ['usd', 'tokens'] }, per: { enum: budgetPeriods }, amount: { type: 'number' } }),
    },
  }),
  Key: object(keyFields),
  NewKey: object({ ...keyFields, ...shownKey }),
  ListedKey: object({
    ...keyFields,
    owner: { ...orNull('KeyOwner'), description: "Its account; null where it is nobody's." },
    left: { type: 'array', items: standing, description: 'Of its own budgets; those of its account may bind first.' },
    last_used: { ...textOrNull, description: 'The day of UTC; null when it was not used for 90 days.' },
  }),
  KeyOwner: object({ id: text, name: text, address: textOrNull }),
  KeyPage: pageOf('ListedKey'),
  AccountPage: pageOf('Account'),
  DeletedKey: object({ id: text, object: { const: 'key' }, deleted: { const: true } }),
  Session: object({ object: { const: 'session' }, ...rights, created: seconds, expires: seconds }),
  EndedSession: object({ object: { const: 'session' }, deleted: { const: true }, count }, ['count']),
  Me: object({ object: { const: 'me' }, ...rights }),
  Auth: object({
    ...{ object: { const: 'auth' }, signup: { enum: signupModes }, session: orNull('Session') },
    wallet: { type: 'boolean', description: 'Whether a wallet can sign in at the address of this request.' },
    network: { type: 'boolean', description: 'Whether this hub is one of several, which `GET /v1/hubs` lists.' },
    hub: { type: 'object', description: 'As `GET /v1/hub` has it.' },
  }),
  Challenge: object({ nonce: text, message: text, expires_in: count }),
  Settings: object({ object: { const: 'settings' }, signup: { enum: signupModes } }),
  AuditRow: object({
    ...{ object: { const: 'audit' }, seq: count, at: seconds, actor: text, address: text, action: text },
    ...{ subject: text, before: { type: ['object', 'null'] }, after: { type: ['object', 'null'] } },
  }),
  AuditPage: pageOf('AuditRow'),
}

const paging = [
  inQuery('before', text, 'The `next` of the page before.'),
  inQuery('limit', count, 'Rows, 1 to 200; 50 when absent.'),
]
const signIn = "From the hub's own page alone: its Origin, and a Host that is the hub's."

const adminOperations: Record<string, Operation> = {
  'POST /v1/admin/keys': {
    summary: 'Make a key.',
    access: 'admin',
    takes: 'KeyRequest',
    gives: [201, 'The key, shown this once.', json(ref('NewKey'))],
  },
  'GET /v1/admin/keys': {
    summary: 'All keys, revoked ones too, newest first, without their text.',
    access: 'admin',
    parameters: [inQuery('tenant', text, 'Only the keys of this tenant.'), ...paging],
    gives: [200, 'The keys.', json(ref('KeyPage'))],
  },
  'POST /v1/admin/keys/{id}/regenerate': {
    summary: 'Replace the secret of a key. The old one stops working at once, and what it has open ends.',
    access: 'admin',
    takes: 'GenerationRequest',
    gives: [201, 'The key with its new text, shown this once.', json(ref('NewKey'))],
  },
  'PATCH /v1/admin/keys/{id}': {
    summary: 'Change what a key may do. What is absent stays, null takes a restriction away.',
    access: 'admin',
    takes: 'KeyChanges',
    gives: [200, 'The key as it is now.', json(ref('Key'))],
  },
  'DELETE /v1/admin/keys/{id}': {
    summary: 'Revoke a key. Its event streams end at once with an error inside, its scouts are closed.',
    access: 'admin',
    gives: [200, 'It no longer works.', json(ref('DeletedKey'))],
  },
  'GET /v1/admin/accounts': {
    summary: 'The accounts, newest first.',
    access: 'admin',
    parameters: [inQuery('state', { enum: accountStates }, 'Only accounts in this state.'), ...paging],
    gives: [200, 'The accounts.', json(ref('AccountPage'))],
  },
  'POST /v1/admin/accounts': {
    summary: 'Make an account.',
    access: 'admin',
    takes: 'AccountRequest',
    gives: [201, 'The account.', json(ref('Account'))],
  },
  'GET /v1/admin/accounts/{id}': {
    summary: 'One account.',
    access: 'admin',
    gives: [200, 'The account.', json(ref('Account'))],
  },
  'PATCH /v1/admin/accounts/{id}': {
    summary: 'Change an account. One that is suspended loses its sessions, streams and scouts at once.',
    access: 'admin',
    takes: 'AccountChanges',
    gives: [200, 'The account as it is now.', json(ref('Account'))],
  },
  'GET /v1/admin/settings': {
    summary: 'The settings of this hub.',
    access: 'admin',
    gives: [200, 'The settings.', json(ref('Settings'))],
  },
  'PATCH /v1/admin/settings': {
    summary: 'Change settings. What is absent stays.',
    access: 'admin',
    takes: 'SettingChanges',
    gives: [200, 'The settings as they are now.', json(ref('Settings'))],
  },
  'GET /v1/admin/audit': {
    summary: 'Who changed what, newest first.',
    access: 'admin',
    parameters: [inQuery('subject', text, 'Only about this account, key or setting.'), ...paging],
    gives: [200, 'Rows of the audit log.', json(ref('AuditPage'))],
  },
}

export const accountOperations: Record<string, Operation> = {
  'GET /v1/auth': {
    summary: 'What somebody can do to sign in here, and whose session the cookie is.',
    access: 'open',
    gives: [200, 'The hub, and the session.', json(ref('Auth'))],
  },
  'POST /v1/auth/challenge': {
    summary: `The text that a wallet is to sign, to sign in or for one key. ${signIn}`,
    access: 'open',
    takes: 'ChallengeRequest',
    gives: [201, 'The text; it can be used once, within five minutes.', json(ref('Challenge'))],
  },
  'POST /v1/auth/verify': {
    summary: `What a wallet signed; 201 with the key where that was asked for. ${signIn}`,
    access: 'open',
    takes: 'VerifyRequest',
    gives: [200, 'The session; its cookie is set.', json({ anyOf: [ref('Session'), ref('NewKey')] })],
  },
  'POST /v1/auth/link': {
    summary: `Sign in with a login link, once. ${signIn}`,
    access: 'open',
    takes: 'LinkRequest',
    gives: [200, 'The session; its cookie is set.', json(ref('Session'))],
  },
  'POST /v1/auth/key': {
    summary: `Open a session with the rights of a key. ${signIn}`,
    access: 'open',
    takes: 'KeySignInRequest',
    gives: [200, 'The session; its cookie is set.', json(ref('Session'))],
  },
  'DELETE /v1/auth/session': {
    summary: 'Sign out.',
    access: 'any',
    gives: [200, 'The session is over.', json(ref('EndedSession'))],
  },
  'DELETE /v1/auth/sessions': {
    summary: 'Sign out everywhere.',
    access: 'any',
    gives: [200, 'All sessions of this account are over.', json(ref('EndedSession'))],
  },
  'GET /v1/me': {
    summary: 'What the caller is.',
    access: 'any',
    gives: [200, 'Its account and rights.', json(ref('Me'))],
  },
  'GET /v1/me/keys': {
    summary: "The keys of one's account, newest first; with a key, that key.",
    access: 'any',
    parameters: paging,
    gives: [200, 'The keys.', json(ref('KeyPage'))],
  },
  'PATCH /v1/me/keys/{id}': {
    summary: "Rename one's key, or let it do less. What is absent stays.",
    access: 'client',
    takes: 'OwnKeyChanges',
    gives: [200, 'The key as it is now.', json(ref('Key'))],
  },
  'DELETE /v1/me/keys/{id}': {
    summary: "Revoke one's key. Its event streams end at once with an error inside, its scouts are closed.",
    access: 'client',
    gives: [200, 'It no longer works.', json(ref('DeletedKey'))],
  },
  ...adminOperations,
}
