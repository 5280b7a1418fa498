/**
 * Usage and what is left of limits in the OpenAPI document: operations and the schemas of what they answer.
 */
import { budgetPeriods, budgetUnits } from '../../../shared/keys/key-terms.ts'
import { usagePageMax } from '../../../shared/limits/store.ts'
import { count, inQuery, type Json, json, type Operation, object, ref, text } from './parts.ts'

const whose = { enum: ['key', 'account'] }
const day = { ...text, format: 'date' }

const filters = [
  inQuery('by', { enum: ['day', 'hour'] }, 'Days of UTC, kept for 400 days, or hours, kept for 8 days.'),
  inQuery('from', day, 'The first day.'),
  inQuery('to', day, 'The last day.'),
  inQuery('key', text, 'Only of the key with this id.'),
  inQuery('model', text, 'Only of this model.'),
  inQuery('format', { enum: ['json', 'csv'] }, 'CSV also with `Accept: text/csv`; its `x-next` is the `next` of JSON.'),
  inQuery('limit', { ...count, minimum: 1, maximum: usagePageMax }, 'Rows at once.'),
  inQuery('after', text, 'The `next` of the list before.'),
]

export const usageSchemas: Json = {
  UsageList: object({
    object: { const: 'list' },
    data: {
      type: 'array',
      items: object({
        start: { ...text, format: 'date-time', description: 'Of the day or hour.' },
        ...{ account: text, key: text },
        model: { ...text, description: 'Who served; empty for requests that nobody took.' },
        ...{ requests: count, failed: count, prompt_tokens: count, completion_tokens: count },
        micro_dollars: { ...count, description: 'Millionths of a dollar.' },
        estimated: { ...count, description: 'Those of the requests whose tokens no provider counted.' },
      }),
    },
    next: { type: ['string', 'null'], description: 'Ask on with it as `after`; null at the end.' },
  }),
  LimitsLeft: object({
    object: { const: 'limits' },
    budgets: {
      type: 'array',
      items: object({
        ...{ of: whose, per: { enum: budgetPeriods }, unit: { enum: budgetUnits } },
        ...{ limit: count, used: count },
        reserved: { ...count, description: 'Set aside for what is under way.' },
        resets_at: { ...text, format: 'date-time' },
      }),
    },
    rates: {
      type: 'array',
      items: object({
        ...{ of: whose, unit: { enum: ['requests', 'tokens'] } },
        ...{ limit: count, remaining: count, resets_in_ms: count },
      }),
    },
  }),
}

const csv = { 'text/csv': { schema: text } }

export const usageOperations: Record<string, Operation> = {
  'GET /v1/me/usage': {
    summary: "What the caller's account used, by key, model and time, newest first",
    access: 'any',
    parameters: filters,
    gives: [200, 'The usage', { ...json(ref('UsageList')), ...csv }],
  },
  'GET /v1/me/limits': {
    summary: "What is left of the limits of the caller's key and account",
    access: 'any',
    gives: [200, 'Budgets and rates', json(ref('LimitsLeft'))],
  },
  'GET /v1/admin/usage': {
    summary: 'What everybody used, by account, key, model and time, newest first',
    access: 'admin',
    parameters: [...filters, inQuery('account', text, 'Only of this account, or of this key without one.')],
    gives: [200, 'The usage', { ...json(ref('UsageList')), ...csv }],
  },
}
