/**
 * The OpenAPI 3.1 description of everything the hub answers, at `/openapi.json`. Request bodies come from the schemas
 * that check them; answers are described here. Built once, when it is first asked for.
 */
import { z } from 'zod'
import { trustWordNames } from '../../../shared/scouts/trust-words.ts'
import { taskKinds } from '../../../shared/task.ts'
import { countTokensRequest, messagesRequest } from '../anthropic/request/messages-request.ts'
import { completionRequest } from '../completions/text-request.ts'
import { disputeRequest } from '../disputes/dispute-request.ts'
import { rulingRequest } from '../disputes/rulings.ts'
import { appealRequest } from '../fleet/trust.ts'
import { depositRequest } from '../ledger/points.ts'
import { leaderboardRequest } from '../ledger/seasons.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse } from '../response/response.ts'
import { accountChanges, accountRequest, settingChanges } from '../schema/accounts/account-requests.ts'
import { keyChanges, keyRequest, ownKeyChanges } from '../schema/accounts/key-requests.ts'
import {
  challengeRequest,
  generationRequest,
  keySignInRequest,
  linkRequest,
  verifyRequest,
} from '../schema/accounts/sign-in-requests.ts'
import { intentRequest } from '../schema/intent-request.ts'
import { chatRequest, embeddingsRequest } from '../schema/openai-requests.ts'
import { compactRequest, responseRequest, tokenCountRequest } from '../schema/response-request.ts'
import { accountOperations, accountSchemas } from './account-paths.ts'
import { dialectOperations, dialectSchemas } from './dialect-paths.ts'
import { hubList, hubOperations } from './hub-list.ts'
import { intentOperations, intentSchemas, responseOperations } from './intent-paths.ts'
import { ledgerOperations, ledgerSchemas } from './ledger-paths.ts'
import { livePaths, scoutListParameters } from './live-paths.ts'
import { routerFields } from './model-fields.ts'
import { count, inHeader, type Json, json, type Operation, object, orNull, ref, seconds, text, texts } from './parts.ts'
import { disputePaths, disputeSchemas, rulingPaths, trustPaths } from './trust-paths.ts'
import { usageOperations, usageSchemas } from './usage-paths.ts'

const some = { type: 'number', minimum: 0 }
const pricesKnown = object({ prompt: orNull(some), answer: orNull(some) })
const offer = object({
  kind: { enum: taskKinds },
  model: text,
  provider: text,
  context_tokens: count,
  abilities: texts,
  dollars_per_million_tokens: pricesKnown,
  about: text,
})
const standing = object({
  kind: { enum: taskKinds },
  model: text,
  provider: text,
  first_content_ms: orNull(count),
  tokens_per_second: orNull(some),
  samples: { ...count, description: 'Answers the two figures rest on; without any they are null.' },
  resumes_in_ms: { ...orNull(count), description: 'Until its provider takes this model again; null while it does.' },
  cost_ms: { anyOf: [ref('Cost'), { type: 'null' }], description: 'Of a plain request now; null while it rests.' },
})
const lastHour = {
  ...object({
    considered: { ...count, description: 'Times it was looked at for a task.' },
    won: count,
    lost: object({ latency: count, price: count, capacity: count, trust: count }),
    ...{ done: count, failed: count },
  }),
  description: 'What became of this id lately, as the scout itself is told; what was lost to chance has no reason.',
}
const scoutFields = {
  id: text,
  object: { const: 'scout' },
  name: text,
  operator: { ...text, description: 'Id of the key it holds.' },
  agent: text,
  address: text,
  connected_at: { ...text, format: 'date-time' },
  phase: text,
  concurrency: count,
  credits: count,
  in_flight: count,
  done: count,
  failed: count,
  failure_rate: { type: 'number' },
  offers: { type: 'array', items: offer },
}
const served = { id: text, object: text, created: seconds, model: text, chasm: ref('Served') }
const answerSchemas: Json = {
  Error: object({
    error: object(
      {
        message: { ...text, description: 'One sentence that says what to do.' },
        type: text,
        param: { type: ['string', 'null'], description: 'The field at fault.' },
        code: text,
        forwarded_bytes: { ...count, description: 'In a stream that broke off: how much content had been sent.' },
      },
      ['forwarded_bytes'],
    ),
  }),
  Served: object(
    {
      task: { ...text, description: 'Of a response: the answer by which receipts and disputes know it.' },
      ...{ scout: text, provider: text, model: text, attempts: count, queued_ms: count, cost_ms: ref('Cost') },
      trust: {
        enum: trustWordNames,
        description: 'What audits have shown of the scout with this model; absent where nobody audits.',
      },
    },
    ['task', 'cost_ms', 'trust'],
  ),
  Cost: {
    ...object({
      ...{ first_content: count, tokens: count, load: count },
      price: { ...count, description: 'Of a typical task, weighed against time; little unless sorted by price.' },
      ...{ failure: count, operator: count, total: count },
    }),
    description: 'What this placement was expected to cost, term by term, in milliseconds.',
  },
  ChatCompletion: object(
    { ...served, choices: { type: 'array', items: { type: 'object' } }, usage: { type: 'object' } },
    ['usage'],
  ),
  ChatCompletionChunk: object({ ...served, choices: { type: 'array', items: { type: 'object' } } }, ['chasm']),
  Embeddings: object({ ...served, data: { type: 'array', items: { type: 'object' } }, usage: { type: 'object' } }, [
    'usage',
  ]),
  Model: object({
    id: text,
    object: { const: 'model' },
    created: seconds,
    owned_by: text,
    ...routerFields,
    chasm: object(
      {
        ...{ kinds: texts, scouts: count, idle: count, providers: texts, context_tokens: count, abilities: texts },
        dollars_per_million_tokens: pricesKnown,
        about: { ...text, description: 'What a specialist or a virtual model does.' },
        virtual: { type: 'boolean', description: 'The hub answers by a scroll; no scout offers it.' },
        template: text,
      },
      [
        ...['scouts', 'idle', 'providers', 'context_tokens', 'abilities', 'dollars_per_million_tokens'],
        ...['about', 'virtual', 'template'],
      ],
    ),
  }),
  ModelList: object({
    ...{ object: { const: 'list' }, data: { type: 'array', items: ref('Model') } },
    ...{ has_more: { type: 'boolean' }, last_id: { type: ['string', 'null'] }, total_count: count },
    links: object({ next: { type: ['string', 'null'], description: 'The path of the next page.' } }),
  }),
  Scout: object(scoutFields),
  ScoutDetail: object({
    ...scoutFields,
    sessions: { ...count, description: 'Connections under this id; of several the newest is shown.' },
    window: { ...some, description: 'Tasks at once the hub trusts it with: grows with success, halves with failure.' },
    last_hour: lastHour,
    verdict: texts,
    models: { type: 'array', items: standing },
    served: {
      ...{ type: 'array', description: 'Of the last 30 days those of UTC on which it served anything, oldest first.' },
      items: object({ day: text, done: count, failed: count, tokens: count, busy_ms: count }),
    },
  }),
  ScoutList: object({
    ...{ object: { const: 'list' }, data: { type: 'array', items: ref('ListedScout') } },
    next: { type: ['string', 'null'], description: '`after` of the next page.' },
    newest: { type: 'integer', description: '`after` for the scouts that connect from now on.' },
  }),
  HubList: hubList,
  ListedScout: object({ ...scoutFields, last_hour: lastHour, verdict: texts }),
  ...accountSchemas,
  ...usageSchemas,
  ...ledgerSchemas,
  ...disputeSchemas,
  Status: object({ status: text }),
  ...dialectSchemas,
  ...intentSchemas,
}

const stream = { 'text/event-stream': { schema: ref('ChatCompletionChunk') } }
const plain = { 'text/plain': { schema: text } }

const repeatable =
  'A repetition with the same key and body is not done again: it gets the answer of the first. Failures that may ' +
  'pass are not kept.'

const operations: Record<string, Operation> = {
  'POST /v1/chat/completions': {
    summary: 'Answer a conversation. Fields not listed pass through to the provider.',
    access: 'client',
    parameters: [inHeader('Idempotency-Key', `${repeatable} Ignored with \`stream: true\`.`)],
    takes: 'ChatRequest',
    gives: [200, 'The answer; with `stream: true` as events.', { ...json(ref('ChatCompletion')), ...stream }],
  },
  'POST /v1/embeddings': {
    summary: 'Turn texts into vectors.',
    access: 'client',
    parameters: [inHeader('Idempotency-Key', repeatable)],
    takes: 'EmbeddingsRequest',
    gives: [200, 'The vectors.', json(ref('Embeddings'))],
  },
  ...dialectOperations,
  ...intentOperations,
  ...responseOperations,
  'GET /v1/models': {
    summary: 'The models that scouts offer now, by name; `limit` (at most 1000) and `after` page through them.',
    access: 'client',
    parameters: [inHeader('anthropic-version', "With it the list has Anthropic's form, and its `after_id`.")],
    gives: [200, 'The models.', json(ref('ModelList'))],
  },
  'GET /v1/models/{id}': {
    summary: 'One model. The id may hold slashes.',
    access: 'client',
    gives: [200, 'The model.', json(ref('Model'))],
  },
  'GET /v1/scout': {
    summary: 'Where scouts dial in: a websocket with subprotocol chasm.v1 and a scout key.',
    access: 'scout',
    gives: [101, 'The connection is a websocket from here on.'],
  },
  ...hubOperations,
  'GET /v1/scouts': {
    summary: 'The connected scouts, in the order in which they connected, with their last hour in words.',
    access: 'admin',
    parameters: scoutListParameters,
    gives: [200, 'The scouts.', json(ref('ScoutList'))],
  },
  'GET /v1/me/scouts': {
    summary: "The connected scouts that one's own keys let in.",
    access: 'any',
    parameters: scoutListParameters,
    gives: [200, 'The scouts.', json(ref('ScoutList'))],
  },
  'GET /v1/me/scouts/{id}': {
    summary: 'One of them.',
    access: 'any',
    gives: [200, 'The scout.', json(ref('ScoutDetail'))],
  },
  'GET /v1/scouts/{id}': {
    summary: 'One connected scout, with what placement knows of it. The id holds a slash.',
    access: 'admin',
    gives: [200, 'The scout.', json(ref('ScoutDetail'))],
  },
  ...accountOperations,
  ...usageOperations,
  ...ledgerOperations,
  'GET /schemas/scroll.json': {
    summary: 'The JSON schema of a scroll.',
    access: 'open',
    gives: [200, 'A JSON schema.', json({ type: 'object' })],
  },
  'GET /healthz': {
    summary: 'Whether the process lives.',
    access: 'open',
    gives: [200, 'It does.', json(ref('Status'))],
  },
  'GET /readyz': {
    summary: 'Whether new requests are taken; 503 while starting and stopping.',
    access: 'open',
    gives: [200, 'They are.', json(ref('Status'))],
  },
  'GET /metrics': {
    summary: 'Counts and durations for Prometheus; no names, no keys, no content.',
    access: 'open',
    gives: [200, 'Prometheus text format.', plain],
  },
  'GET /openapi.json': {
    summary: 'This document.',
    access: 'open',
    gives: [200, 'An OpenAPI 3.1 document.', json({ type: 'object' })],
  },
  ...livePaths,
  ...trustPaths,
  ...disputePaths,
  ...rulingPaths,
  'GET /': {
    summary: 'The page for people, where HTML is accepted; else a text.',
    access: 'open',
    gives: [200, 'A page or a text.', { ...plain, 'text/html': { schema: text } }],
  },
}

function describe(name: string, operation: Operation): Json {
  const { summary, access, parameters = [], takes, gives, fails = 'Error' } = operation
  const [status, description, content] = gives
  const names = [...name.matchAll(/\{(\w+)\}/g)].map(([, brace]) => brace)
  const id = names.map((brace) => ({ name: brace, in: 'path', required: true, schema: text }))
  return {
    summary,
    parameters: [...id, ...parameters],
    security: securityOf(access),
    ...(takes && { requestBody: { required: true, content: json(ref(takes)) } }),
    responses: {
      [status]: { description, ...(content && { content }) },
      default: { description: 'A refusal or a failure.', content: json(ref(fails)) },
    },
  }
}

/** The page's cookie does where a key does, but for scouts. */
function securityOf(access: Operation['access']): Json[] {
  if (access === 'open') return []
  if (access === 'scout') return [{ scoutKey: [] }]
  const keys = access === 'any' ? ['clientKey', 'scoutKey', 'adminKey'] : [`${access}Key`]
  return [...keys, 'session'].map((name) => ({ [name]: [] }))
}

function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}

function keyScheme(description: string): Json {
  return { type: 'http', scheme: 'bearer', description }
}

function openapiDocument(): Json {
  const paths: Record<string, Json> = {}
  for (const [name, operation] of Object.entries(operations)) {
    const [method, path] = name.split(' ') as [string, string]
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(name, operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Chasm',
      version: '1',
      description: 'An OpenAI-compatible API in front of machines that dialed in.',
    },
    paths,
    components: {
      securitySchemes: {
        clientKey: keyScheme('A client key, or an admin key.'),
        adminKey: keyScheme('An admin key.'),
        scoutKey: keyScheme('A scout key.'),
        session: { type: 'apiKey', in: 'cookie', name: '__Host-chasm', description: "Of the hub's own page." },
      },
      schemas: {
        ...answerSchemas,
        ChatRequest: schemaOf(chatRequest),
        EmbeddingsRequest: schemaOf(embeddingsRequest),
        CompletionRequest: schemaOf(completionRequest),
        MessagesRequest: schemaOf(messagesRequest),
        CountTokensRequest: schemaOf(countTokensRequest),
        ...accountRequests(),
        IntentRequest: schemaOf(intentRequest),
        ResponseRequest: schemaOf(responseRequest),
        TokenCountRequest: schemaOf(tokenCountRequest),
        CompactRequest: schemaOf(compactRequest),
      },
    },
  }
}

function accountRequests(): Json {
  return {
    KeyRequest: schemaOf(keyRequest),
    KeyChanges: schemaOf(keyChanges),
    OwnKeyChanges: schemaOf(ownKeyChanges),
    GenerationRequest: schemaOf(generationRequest),
    ChallengeRequest: schemaOf(challengeRequest),
    VerifyRequest: schemaOf(verifyRequest),
    LinkRequest: schemaOf(linkRequest),
    KeySignInRequest: schemaOf(keySignInRequest),
    AccountRequest: schemaOf(accountRequest),
    AccountChanges: schemaOf(accountChanges),
    SettingChanges: schemaOf(settingChanges),
    LeaderboardRequest: schemaOf(leaderboardRequest),
    DepositRequest: schemaOf(depositRequest),
    AppealRequest: schemaOf(appealRequest),
    DisputeRequest: schemaOf(disputeRequest),
    RulingRequest: schemaOf(rulingRequest),
  }
}

let built: string | undefined

export function openapi({ id }: RequestContext): Response {
  built ??= JSON.stringify(openapiDocument())
  return jsonResponse(id, built)
}
