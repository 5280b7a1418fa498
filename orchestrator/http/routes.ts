/**
 * Every path that the hub serves, in one table, and the search in it. The server searches it for each request; the
 * OpenAPI document is checked against it.
 */

import { challenge, endSession, endSessions, getAuth, useKey, useLink, verify } from './accounts/auth.ts'
import { amendOwnKey, getMe, listOwnKeys, revokeOwnKey } from './accounts/me.ts'
import {
  amendAccount,
  amendSettings,
  createAccount,
  getAccount,
  getSettings,
  listAccounts,
  listAudit,
} from './admin/accounts.ts'
import { amendKey, createKey, listKeys, regenerateKey, revokeKey } from './admin/keys.ts'
import { healthz, metrics, readyz } from './admin/status.ts'
import { countTokens } from './anthropic/count-tokens.ts'
import { createMessage } from './anthropic/messages.ts'
import { modelInForm, modelsInForm } from './anthropic/model-list.ts'
import { chatCompletions, embeddings } from './chat/completions.ts'
import { createCompletion } from './completions/completions.ts'
import {
  appealDispute,
  fileDispute,
  getDispute,
  getDisputeOfScout,
  listDisputes,
  listDisputesOfScouts,
} from './disputes/disputes.ts'
import { getForAdmins, listAppealed, ruleDispute } from './disputes/rulings.ts'
import { dialIn } from './fleet/dial-in.ts'
import { listHubs } from './fleet/hubs.ts'
import { getOwnScout, getScout, listOwnScouts, listScouts } from './fleet/scouts.ts'
import { appealConviction, listOwnTrust, listTrust } from './fleet/trust.ts'
import { brought } from './intents/bring.ts'
import { followIntent } from './intents/events.ts'
import { cancelIntent, createIntent, getIntent, listIntents } from './intents/intents.ts'
import { getNode, getNodeRequest, planIntent, retryNode } from './intents/nodes.ts'
import { getEarnings } from './ledger/earnings.ts'
import { depositPoints, getPoints, listMovements } from './ledger/points.ts'
import { exportHeads, exportReceipts, getReceipt } from './ledger/receipts.ts'
import { getLeaderboard, getStatement, listSeasons, nameOnLeaderboard } from './ledger/seasons.ts'
import { forgetSigningKey } from './ledger/signing-keys.ts'
import { showHistory } from './live/history.ts'
import { followLive, showHub } from './live/live.ts'
import { openapi } from './openapi/openapi.ts'
import { scrollSchema } from './openapi/scroll-schema.ts'
import { pageFile, welcomePage } from './page/page.ts'
import { getScoutBuild, getScoutScript } from './page/scout-download.ts'
import { noParams, type Params, type RequestContext, type Route } from './request-context.ts'
import { compactResponse } from './responses/compact.ts'
import { countInputTokens } from './responses/input-tokens.ts'
import { intentOf } from './responses/items/item-ids.ts'
import { cancelResponse, createResponse, deleteResponse, getResponse, listInputItems } from './responses/responses.ts'
import { allUsage, ownLimits, ownUsage } from './usage/usage.ts'

const chat = { scope: 'chat' } as const
const embedding = { scope: 'embeddings' } as const
const intents = { scope: 'intents' } as const
const responses = { scope: 'responses' } as const
const rated = { isRated: true } as const
const everywhere = { isEverywhere: true } as const

const responseIntent = ({ params }: RequestContext) => intentOf(params.id)

/** Of two paths with segments in braces that both match, the first counts. */
export const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/chat/completions',
    access: 'client',
    ...chat,
    ...rated,
    ...everywhere,
    handle: chatCompletions,
  },
  {
    method: 'POST',
    path: '/v1/embeddings',
    access: 'client',
    ...embedding,
    ...rated,
    ...everywhere,
    handle: embeddings,
  },
  { method: 'POST', path: '/v1/completions', access: 'client', ...chat, ...rated, handle: createCompletion },
  { method: 'POST', path: '/v1/messages', access: 'client', ...chat, ...rated, handle: createMessage },
  { method: 'POST', path: '/v1/messages/count_tokens', access: 'client', ...chat, handle: countTokens },
  { method: 'POST', path: '/v1/intents', access: 'client', ...intents, ...rated, handle: createIntent },
  { method: 'GET', path: '/v1/intents', access: 'client', ...intents, handle: listIntents },
  { method: 'POST', path: '/v1/intents/plan', access: 'client', ...intents, ...rated, handle: planIntent },
  {
    method: 'POST',
    path: '/v1/intents/{id}/nodes/{node}/retry',
    access: 'client',
    ...intents,
    ...rated,
    handle: brought(retryNode),
  },
  {
    method: 'GET',
    path: '/v1/intents/{id}/nodes/{node}/request',
    access: 'client',
    ...intents,
    handle: brought(getNodeRequest),
  },
  { method: 'GET', path: '/v1/intents/{id}/nodes/{node}', access: 'client', ...intents, handle: brought(getNode) },
  { method: 'GET', path: '/v1/intents/{id}/events', access: 'client', ...intents, handle: brought(followIntent) },
  { method: 'GET', path: '/v1/intents/{id}', access: 'client', ...intents, handle: brought(getIntent) },
  { method: 'DELETE', path: '/v1/intents/{id}', access: 'client', ...intents, handle: brought(cancelIntent) },
  { method: 'POST', path: '/v1/responses', access: 'client', ...responses, ...rated, handle: createResponse },
  { method: 'POST', path: '/v1/responses/input_tokens', access: 'client', ...responses, handle: countInputTokens },
  { method: 'POST', path: '/v1/responses/compact', access: 'client', ...responses, ...rated, handle: compactResponse },
  {
    method: 'POST',
    path: '/v1/responses/{id}/cancel',
    access: 'client',
    ...responses,
    handle: brought(cancelResponse, responseIntent),
  },
  { method: 'GET', path: '/v1/responses/{id}/input_items', access: 'client', ...responses, handle: listInputItems },
  {
    method: 'GET',
    path: '/v1/responses/{id}',
    access: 'client',
    ...responses,
    handle: brought(getResponse, responseIntent),
  },
  { method: 'DELETE', path: '/v1/responses/{id}', access: 'client', ...responses, handle: deleteResponse },
  { method: 'GET', path: '/v1/models', access: 'client', handle: modelsInForm },
  { method: 'GET', path: '/v1/models/{id}', access: 'client', handle: modelInForm },
  { method: 'GET', path: '/v1/me/usage', access: 'any', handle: ownUsage },
  { method: 'GET', path: '/v1/me/limits', access: 'any', handle: ownLimits },
  { method: 'GET', path: '/v1/admin/usage', access: 'admin', handle: allUsage },
  { method: 'GET', path: '/v1/earnings', access: 'any', handle: getEarnings },
  { method: 'GET', path: '/v1/points', access: 'any', handle: getPoints },
  { method: 'POST', path: '/v1/points', access: 'any', handle: depositPoints },
  { method: 'GET', path: '/v1/points/movements', access: 'any', handle: listMovements },
  { method: 'GET', path: '/v1/leaderboard', access: 'any', handle: getLeaderboard },
  { method: 'PATCH', path: '/v1/leaderboard', access: 'any', handle: nameOnLeaderboard },
  { method: 'GET', path: '/v1/seasons', access: 'any', handle: listSeasons },
  { method: 'GET', path: '/v1/seasons/{id}/statement', access: 'any', handle: getStatement },
  { method: 'GET', path: '/v1/receipts', access: 'any', handle: exportReceipts },
  { method: 'GET', path: '/v1/receipts/{id}', access: 'any', handle: getReceipt },
  { method: 'DELETE', path: '/v1/signing-keys/{id}', access: 'any', handle: forgetSigningKey },
  { method: 'GET', path: '/v1/ledger/heads', access: 'open', handle: exportHeads },
  { method: 'GET', path: '/v1/scout', access: 'open', ...everywhere, handle: dialIn },
  { method: 'GET', path: '/v1/live', access: 'any', handle: followLive },
  { method: 'GET', path: '/v1/history', access: 'any', handle: showHistory },
  { method: 'GET', path: '/v1/hub', access: 'open', handle: showHub },
  { method: 'GET', path: '/v1/me/scouts', access: 'any', handle: listOwnScouts },
  { method: 'GET', path: '/v1/me/scouts/{id}', access: 'any', handle: getOwnScout },
  { method: 'GET', path: '/v1/me/trust', access: 'any', handle: listOwnTrust },
  { method: 'POST', path: '/v1/disputes', access: 'client', ...rated, handle: fileDispute },
  { method: 'GET', path: '/v1/disputes', access: 'client', handle: listDisputes },
  { method: 'POST', path: '/v1/disputes/{id}/appeal', access: 'any', ...rated, handle: appealDispute },
  { method: 'GET', path: '/v1/disputes/{id}', access: 'client', handle: getDispute },
  { method: 'GET', path: '/v1/me/disputes', access: 'any', handle: listDisputesOfScouts },
  { method: 'GET', path: '/v1/me/disputes/{id}', access: 'any', handle: getDisputeOfScout },
  { method: 'GET', path: '/v1/admin/disputes', access: 'admin', handle: listAppealed },
  { method: 'POST', path: '/v1/admin/disputes/{id}/ruling', access: 'admin', handle: ruleDispute },
  { method: 'GET', path: '/v1/admin/disputes/{id}', access: 'admin', handle: getForAdmins },
  { method: 'GET', path: '/v1/trust', access: 'admin', handle: listTrust },
  { method: 'POST', path: '/v1/trust/{id}/appeal', access: 'any', ...rated, handle: appealConviction },
  { method: 'GET', path: '/v1/hubs', access: 'any', handle: listHubs },
  { method: 'GET', path: '/v1/scouts', access: 'admin', handle: listScouts },
  { method: 'GET', path: '/v1/scouts/{id}', access: 'admin', handle: getScout },
  { method: 'POST', path: '/v1/admin/keys', access: 'admin', handle: createKey },
  { method: 'GET', path: '/v1/admin/keys', access: 'admin', handle: listKeys },
  { method: 'POST', path: '/v1/admin/keys/{id}/regenerate', access: 'admin', handle: regenerateKey },
  { method: 'PATCH', path: '/v1/admin/keys/{id}', access: 'admin', handle: amendKey },
  { method: 'DELETE', path: '/v1/admin/keys/{id}', access: 'admin', handle: revokeKey },
  { method: 'GET', path: '/v1/admin/accounts', access: 'admin', handle: listAccounts },
  { method: 'POST', path: '/v1/admin/accounts', access: 'admin', handle: createAccount },
  { method: 'GET', path: '/v1/admin/accounts/{id}', access: 'admin', handle: getAccount },
  { method: 'PATCH', path: '/v1/admin/accounts/{id}', access: 'admin', handle: amendAccount },
  { method: 'GET', path: '/v1/admin/settings', access: 'admin', handle: getSettings },
  { method: 'PATCH', path: '/v1/admin/settings', access: 'admin', handle: amendSettings },
  { method: 'GET', path: '/v1/admin/audit', access: 'admin', handle: listAudit },
  { method: 'GET', path: '/v1/auth', access: 'open', handle: getAuth },
  { method: 'POST', path: '/v1/auth/challenge', access: 'open', handle: challenge },
  { method: 'POST', path: '/v1/auth/verify', access: 'open', handle: verify },
  { method: 'POST', path: '/v1/auth/link', access: 'open', handle: useLink },
  { method: 'POST', path: '/v1/auth/key', access: 'open', handle: useKey },
  { method: 'DELETE', path: '/v1/auth/session', access: 'any', handle: endSession },
  { method: 'DELETE', path: '/v1/auth/sessions', access: 'any', handle: endSessions },
  { method: 'GET', path: '/v1/me', access: 'any', handle: getMe },
  { method: 'GET', path: '/v1/me/keys', access: 'any', handle: listOwnKeys },
  { method: 'PATCH', path: '/v1/me/keys/{id}', access: 'client', handle: amendOwnKey },
  { method: 'DELETE', path: '/v1/me/keys/{id}', access: 'client', handle: revokeOwnKey },
  { method: 'GET', path: '/schemas/scroll.json', access: 'open', ...everywhere, handle: scrollSchema },
  { method: 'GET', path: '/healthz', access: 'open', ...everywhere, handle: healthz },
  { method: 'GET', path: '/readyz', access: 'open', ...everywhere, handle: readyz },
  { method: 'GET', path: '/metrics', access: 'open', handle: metrics },
  { method: 'GET', path: '/openapi.json', access: 'open', ...everywhere, handle: openapi },
  { method: 'GET', path: '/page/{id}', access: 'open', handle: pageFile },
  { method: 'GET', path: '/scout.sh', access: 'open', handle: getScoutScript },
  { method: 'GET', path: '/scout/{id}', access: 'open', handle: getScoutBuild },
  { method: 'GET', path: '/', access: 'open', handle: welcomePage },
]

interface Found {
  /** The routes of this path, one per method. */
  routes: readonly Route[]
  params: Params
}

/** A path with segments in braces: the text around them, and their names. */
interface Pattern {
  path: string
  prefix: string
  /** Between the two segments; null when there is one. */
  middle: string | null
  suffix: string
  names: readonly string[]
  routes: Route[]
}

const exact = new Map<string, { routes: Route[]; params: Params }>()
const patterns: Pattern[] = []
for (const route of routes) add(route)

function add(route: Route): void {
  const { path } = route
  if (!path.includes('{')) {
    const known = exact.get(path)
    if (known === undefined) exact.set(path, { routes: [route], params: noParams })
    else known.routes.push(route)
    return
  }
  const known = patterns.find((pattern) => pattern.path === path)
  if (known !== undefined) known.routes.push(route)
  else patterns.push(patternOf(route))
}

function patternOf(route: Route): Pattern {
  const pieces = route.path.split(/\{\w+\}/)
  const [prefix, middle] = pieces as [string, string]
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const around = { prefix, middle: pieces.length > 2 ? middle : null, suffix: pieces.at(-1)! }
  return { path: route.path, ...around, names, routes: [route] }
}

/**
 * The routes of a path as it stands in the URL, or null. A path that is none, but plainly means one, is answered as if
 * it were right: with doubled or trailing slashes, below the prefix of another service, without `/v1` or with two.
 */
export function findRoutes(path: string): Found | null {
  return exact.get(path) ?? matching(mended(path))
}

const usualPrefix = /^\/(openai|anthropic)(?=\/)/
/** What clients ask for without `/v1` when their base URL lacks it. */
const unversioned = /^\/(chat\/completions|completions|embeddings|messages|models|responses)(?=\/|$)/

function mended(path: string): string {
  const plain = path.includes('//') || path.endsWith('/') ? path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') : path
  const bare = plain.replace(usualPrefix, '')
  if (bare.startsWith('/v1/v1/')) return bare.slice('/v1'.length)
  return unversioned.test(bare) ? `/v1${bare}` : bare
}

function matching(path: string): Found | null {
  const found = exact.get(path)
  if (found !== undefined) return found
  for (const pattern of patterns) {
    const { prefix, middle, suffix, names } = pattern
    if (path.length <= prefix.length + suffix.length || !path.startsWith(prefix) || !path.endsWith(suffix)) continue
    const inside = path.slice(prefix.length, path.length - suffix.length)
    if (middle === null) return { routes: pattern.routes, params: { ...noParams, [names[0]!]: decoded(inside) } }
    const at = inside.indexOf(middle)
    if (at < 0) continue
    const values = [decoded(inside.slice(0, at)), decoded(inside.slice(at + middle.length))]
    return { routes: pattern.routes, params: { ...noParams, [names[0]!]: values[0]!, [names[1]!]: values[1]! } }
  }
  return null
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
