/**
 * The part of the OpenAPI document about what audits found out about scouts.
 */
import { count, inQuery, json, type Operation, object, orNull, seconds, text, texts } from './parts.ts'

const counts = { type: 'object', additionalProperties: count }

const scoutTrust = object({
  object: { const: 'scout.trust' },
  scout: text,
  model: text,
  owner: text,
  state: { enum: ['new', 'trusted', 'watched', 'confirming', 'convicted'] },
  doubt: { type: 'number', description: 'From 4.2 on the scout is watched, from 9.2 on fresh checks decide.' },
  passed: count,
  needed: { ...count, description: 'Passed checks after which a new scout is trusted.' },
  checks: count,
  failed: count,
  sentences: { ...texts, description: 'What that means and what helps.' },
  since: seconds,
  until: { ...orNull(seconds), description: 'When a conviction ends.' },
})

const listed = {
  object: { const: 'list' },
  mode: { enum: ['off', 'observe', 'enforce'] },
  data: { type: 'array', items: scoutTrust },
  more: { ...count, description: 'Scouts beyond those.' },
}

const audits = {
  ...object({
    asked_24h: count,
    settled_24h: count,
    pending: count,
    dropped: count,
    ended: counts,
    booked: counts,
    braked: { ...texts, description: 'Models whose convictions wait, because many owners came under watch at once.' },
  }),
  type: ['object', 'null'],
}

const ofScout = inQuery('scout', text, 'Only of this scout, by its id.')

export const trustPaths: Record<string, Operation> = {
  'GET /v1/me/trust': {
    summary: 'What audits have found out about the scouts that this account runs, the gravest first.',
    access: 'any',
    parameters: [ofScout],
    gives: [200, 'The scouts.', json(object(listed))],
  },
  'GET /v1/trust': {
    summary: 'What audits have found out about all scouts, the gravest first, and how many audits there were.',
    access: 'admin',
    parameters: [ofScout],
    gives: [200, 'The scouts.', json(object({ ...listed, audits }))],
  },
}
