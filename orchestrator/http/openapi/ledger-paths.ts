/**
 * The ledger in the OpenAPI document: earnings, seasons, the leaderboard and receipts.
 */
import { seasonStates } from '../../ledger/seasons/season.ts'
import { movementKinds } from '../../ledger/spending/movements.ts'
import { count, inQuery, type Json, json, type Operation, object, orNull, ref, seconds, text, texts } from './parts.ts'

const counts = { type: 'object', additionalProperties: count }
const base64 = { ...text, description: 'Bytes in base64url.' }
const jsonLines = { 'application/jsonl': { schema: text } }
const chain = [
  inQuery('from', count, 'The number of the batch to begin with; 1 when absent.'),
  inQuery('after', count, 'Goes on behind this batch: the `x-next` of the lines before.'),
]

export const ledgerSchemas: Json = {
  Earnings: object({
    ...{ object: { const: 'earnings' }, operator: text, season: text, by: { enum: ['day', 'scout', 'model'] } },
    points: object({
      counted: { ...count, description: 'Of the work of this season.' },
      vested: { ...count, description: 'Earned in this season, for good unless a dispute takes it back.' },
      waiting: {
        ...count,
        description: 'In escrow, of whatever season: for some days, and until the scout is trusted.',
      },
      untrusted: {
        ...orNull(count),
        description: 'Those that wait because their scout is not trusted yet, as of minutes ago; null where unknown.',
      },
      convicted: {
        ...count,
        description: 'Those that waited when their scout was convicted: they are burnt unless it is cleared.',
      },
      burns: { ...orNull(seconds), description: 'When the first of these are burnt; null where there are none.' },
    }),
    network: {
      ...orNull(
        object({
          ...{ earned: count, waiting: count },
          unacknowledged: {
            ...count,
            description: 'Not in the others: the hub that is said to have asked does not say that it got the answers.',
          },
          hubs: {
            type: 'array',
            items: object({ hub: text, earned: count, waiting: count, unacknowledged: count }),
          },
        }),
      ),
      description: 'Of this season at all hubs of the network, as of seconds ago; null for a hub by itself.',
    },
    unpaid: {
      type: 'array',
      items: object({ reason: text, tasks: count, why: text }),
      description: 'What earned nothing, by reason; a task with two reasons counts in both.',
    },
    more: { type: 'boolean', description: 'Whether the oldest days are left out, because there are too many rows.' },
    next: { ...orNull(text), description: 'Where the rows go on that are left out, for `after`; null where none are.' },
    data: {
      type: 'array',
      items: object(
        {
          ...{ day: text, scout: text, model: text, tasks: count, points: count },
          unpaid: { ...count, description: 'Those of the tasks that earned nothing.' },
          reasons: { ...counts, description: 'The same by reason.' },
          why: { ...texts, description: 'The reasons in sentences.' },
        },
        ['day', 'scout', 'model'],
      ),
    },
  }),
  Points: object({
    object: { const: 'points' },
    available: { ...count, description: 'What requests can be paid with; what is set aside for some is not in it.' },
    reserved: { ...count, description: 'Set aside for requests under way; what those do not cost comes back.' },
    earned: { ...count, description: 'Earned in seasons that are not closed: it can be made available.' },
  }),
  PointMovements: object({
    object: { const: 'list' },
    data: {
      type: 'array',
      items: object({
        day: text,
        kind: { enum: movementKinds, description: '`return`: of a pledge.' },
        points: { type: 'integer', description: 'Below zero where they were taken.' },
        count: { ...count, description: 'Movements that are added up here.' },
      }),
      description: 'Newest day first; those of one day and kind are added up.',
    },
    next: { ...orNull(count), description: 'For `before`: what is older; rows of one day are to be added up.' },
  }),
  SeasonList: object({
    ...{ object: { const: 'list' }, hub: { ...text, description: 'The public key that signs.' } },
    ...{ minted: count, escrow: count, earned: count, held: count, burnt: count, spendable: count },
    data: {
      type: 'array',
      items: object(
        {
          ...{ season: text, state: { enum: seasonStates }, since: seconds, note: text },
          network: {
            type: 'array',
            items: object({ hub: text, points: count, waiting: count }),
            description: 'What all operators have of it at each hub of the network. Each hub closes it by itself.',
          },
        },
        ['network'],
      ),
    },
  }),
  Statement: object({
    ...{ chasm: { const: 'season' }, version: { const: 1 }, hub: text, season: text, points: count },
    operators: { type: 'array', items: object({ operator: text, points: count }) },
  }),
  Leaderboard: object({
    ...{ object: { const: 'list' }, season: text, operators: count },
    own: { ...orNull(count), description: "The caller's place; null without points." },
    name: { ...orNull(text), description: 'Under which name the caller agreed to be shown.' },
    data: {
      type: 'array',
      items: object(
        {
          place: count,
          name: { ...orNull(text), description: 'Of those who agreed to be shown.' },
          ...{ points: count, waiting: count, own: { type: 'boolean' } },
          hubs: {
            type: 'array',
            items: object({ hub: text, points: count, waiting: count }),
            description: 'In a network: how much of it is of which hub.',
          },
        },
        ['hubs'],
      ),
    },
  }),
  LeaderboardName: object({ object: { const: 'leaderboard.name' }, name: orNull(text) }),
  SigningKey: object({ object: { const: 'signing_key' }, name: text, kept: { const: false } }),
  Receipt: object(
    {
      ...{ object: { const: 'receipt' }, task: count },
      sealed: { type: 'boolean', description: 'False for about a second; then there is nothing more yet.' },
      says: object({
        ...{ at: seconds, scout: text, kind: text, model: text, provider: text },
        asker: { ...orNull(text), description: 'The hub whose client asked; null for this one.' },
        home: { ...orNull(text), description: 'The hub whose scout served; null for this one.' },
        ...{ prompt_units: count, answer_units: count, points: count },
        reasons: { ...texts, description: 'Why it earned nothing; empty where it earned points.' },
        why: { ...texts, description: 'The same in sentences, for the owner of the scout.' },
        countersigned: { type: 'boolean', description: 'Whether its scout has signed the answer, too.' },
      }),
      ...{ hub: text, index: count, receipt: base64, salt: base64, path: texts, head: base64, signature: base64 },
    },
    ['hub', 'says', 'index', 'receipt', 'salt', 'path', 'head', 'signature'],
  ),
}

export const ledgerOperations: Record<string, Operation> = {
  'GET /v1/earnings': {
    summary: "What the caller's scouts earned in a season, and why some tasks earned nothing.",
    access: 'any',
    parameters: [
      inQuery('season', text, 'A month, as 2026-05; the present one when absent.'),
      inQuery('by', { enum: ['day', 'scout', 'model'] }, 'How tasks are added up.'),
      inQuery('scout', text, 'Only of this scout, by its id.'),
      inQuery(
        'after',
        text,
        'The `next` of an earlier answer: goes on with older work; rows of one name are to be added up.',
      ),
      inQuery('operator', text, 'For administrators: whose.'),
    ],
    gives: [200, 'The earnings.', json(ref('Earnings'))],
  },
  'GET /v1/points': {
    summary: 'What the caller has to spend, where requests cost points.',
    access: 'any',
    gives: [200, 'The points.', json(ref('Points'))],
  },
  'POST /v1/points': {
    summary: 'Make points that were earned available to oneself, or to the owner of the key `to`.',
    access: 'any',
    takes: 'DepositRequest',
    gives: [200, 'What the caller has now.', json(ref('Points'))],
  },
  'GET /v1/points/movements': {
    summary: "What changed the caller's points to spend, newest first.",
    access: 'any',
    parameters: [inQuery('before', count, 'The `next` of an earlier answer: goes on with what is older.')],
    gives: [200, 'The movements.', json(ref('PointMovements'))],
  },
  'GET /v1/seasons': {
    summary: 'The seasons, newest first, with the sums over all accounts.',
    access: 'any',
    gives: [200, 'The seasons.', json(ref('SeasonList'))],
  },
  'GET /v1/seasons/{id}/statement': {
    summary: "Who earned how much, signed by the hub in `chasm-signature`; one's own part for others than admins.",
    access: 'any',
    parameters: [
      inQuery(
        'format',
        { enum: ['json', 'csv', 'json.sig', 'csv.sig'] },
        'CSV also with `Accept: text/csv`. `.sig`: the signature alone, as a file beside the other.',
      ),
    ],
    gives: [
      200,
      'The statement.',
      { ...json(ref('Statement')), 'text/csv': { schema: text }, 'text/plain': { schema: text } },
    ],
  },
  'GET /v1/leaderboard': {
    summary: 'Who has most points in the present season.',
    access: 'any',
    gives: [200, 'The leaderboard.', json(ref('Leaderboard'))],
  },
  'PATCH /v1/leaderboard': {
    summary: 'Agree to be shown under a name there, or, with null, no more.',
    access: 'any',
    takes: 'LeaderboardRequest',
    gives: [200, 'The name.', json(ref('LeaderboardName'))],
  },
  'GET /v1/receipts': {
    summary: "The signed chain with all of its heads and the receipts that are the caller's, as chasm-verify reads it.",
    access: 'any',
    parameters: [
      ...chain,
      inQuery('format', { enum: ['jsonl', 'csv'] }, 'CSV: a table for people, which proves nothing.'),
    ],
    gives: [200, 'Lines; `x-next` while there are more.', { ...jsonLines, 'text/csv': { schema: text } }],
  },
  'GET /v1/receipts/{id}': {
    summary: 'The receipt of an answer, with what proves it; 202 until it is sealed.',
    access: 'any',
    gives: [200, 'The receipt.', json(ref('Receipt'))],
  },
  'DELETE /v1/signing-keys/{id}': {
    summary: 'Forget the key that is kept for a scout of the caller, by its name: the next one that signs is kept.',
    access: 'any',
    gives: [200, 'It is forgotten.', json(ref('SigningKey'))],
  },
  'GET /v1/ledger/heads': {
    summary: 'The signed heads of the chain, without receipts, for anybody.',
    access: 'open',
    parameters: chain,
    gives: [200, 'Lines of JSON; `x-next` while there are more.', jsonLines],
  },
}
