/**
 * The part of the OpenAPI document about what audits found out about scouts, and about disputes of single answers.
 */
import {
  disputeReasons,
  disputeStates,
  groundKinds,
  rulingVerdicts,
  verdicts,
} from '../../../shared/scouts/dispute-words.ts'
import { appealStates } from '../../../shared/scouts/trust-words.ts'
import { count, inQuery, type Json, json, type Operation, object, orNull, ref, seconds, text, texts } from './parts.ts'

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
  appeal: { enum: [...appealStates, null], description: 'How an appeal against a conviction stands.' },
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
    spent_usd_24h: { type: ['number', 'null'], description: 'Of the price list of this hub; null without a bound.' },
    usd_24h_max: { type: ['number', 'null'], description: '`AUDIT_DAILY_USD`.' },
    pending: count,
    dropped: count,
    ended: counts,
    booked: counts,
    braked: { ...texts, description: 'Models whose convictions wait, because many owners came under watch at once.' },
  }),
  type: ['object', 'null'],
}

const ofScout = inQuery('scout', text, 'Only of this scout, by its id.')
const verdict = { enum: [...verdicts, null] }
const side = { enum: ['client', 'scout', 'admin'] }

const hearing = object({
  reruns: { ...count, description: 'Scouts of other owners that have answered the same request again.' },
  judges: { ...count, description: 'Judges that were asked.' },
  votes: {
    type: 'array',
    items: object({
      against: {
        type: ['boolean', 'null'],
        description: 'Whether the answer fails; null where the word of this judge does not count.',
      },
      why: { ...text, description: 'In the words of the judge, which is a model.' },
    }),
  },
  ground: { enum: [...groundKinds, null], description: 'What decided without judges.' },
  verdict,
})

export const disputeSchemas: Json = {
  Dispute: object({
    ...{ object: { const: 'dispute' }, id: text },
    task: { ...text, description: 'The id of the answer.' },
    side: { ...side, description: 'As whom the caller sees it.' },
    state: { enum: disputeStates },
    ...{ verdict, reason: { enum: disputeReasons } },
    comment: { ...orNull(text), description: "Not for the scout's owner." },
    scout: { ...orNull(text), description: 'Not for the client.' },
    ...{ model: text, answered: seconds, filed: seconds, changed: seconds },
    ends_by: { ...orNull(seconds), description: 'When the hearing under way ends at the latest.' },
    appeal_by: { ...orNull(seconds), description: 'Until when the verdict can be appealed.' },
    appealed_by: { enum: ['client', 'scout', null] },
    ruling_by: { ...orNull(seconds), description: 'Until when an administrator may decide otherwise.' },
    ruling: { ...object({ verdict: { enum: rulingVerdicts }, why: text }), type: ['object', 'null'] },
    hearings: { type: 'array', items: hearing },
    held: { ...count, description: 'Points that are set aside.' },
    clawed: { ...count, description: 'Points that were taken back.' },
    pledged: { ...count, description: 'Points that you have at stake in it, where points are spent.' },
    repaid: { ...count, description: 'Points that you had spent on the answer, and got back in the end.' },
    sentences: { ...texts, description: 'How it stands, why, and what can be done.' },
  }),
  DisputeList: object({ object: { const: 'list' }, data: { type: 'array', items: ref('Dispute') } }),
}

export const disputePaths: Record<string, Operation> = {
  'POST /v1/disputes': {
    summary: 'Dispute an answer: other scouts answer again, and judges compare.',
    access: 'client',
    takes: 'DisputeRequest',
    gives: [201, 'The dispute.', json(ref('Dispute'))],
  },
  'GET /v1/disputes': {
    summary: 'The disputes that the caller filed, newest first.',
    access: 'client',
    gives: [200, 'The disputes.', json(ref('DisputeList'))],
  },
  'GET /v1/disputes/{id}': {
    summary: 'One of them.',
    access: 'client',
    gives: [200, 'The dispute.', json(ref('Dispute'))],
  },
  'POST /v1/disputes/{id}/appeal': {
    summary: 'Ask for a second hearing, once, by the side that did not win: the client or the owner of the scout.',
    access: 'any',
    gives: [200, 'The dispute.', json(ref('Dispute'))],
  },
  'GET /v1/me/disputes': {
    summary: "The disputes about the caller's own scouts, newest first.",
    access: 'any',
    gives: [200, 'The disputes.', json(ref('DisputeList'))],
  },
  'GET /v1/me/disputes/{id}': {
    summary: 'One of them.',
    access: 'any',
    gives: [200, 'The dispute.', json(ref('Dispute'))],
  },
}

const disputeWithTexts = {
  allOf: [
    ref('Dispute'),
    object({
      texts: {
        ...object({ request: text, answer: text, reruns: texts }),
        type: ['object', 'null'],
        description:
          'What was asked and answered, as JSON, and what others have answered; null once the dispute is over.',
      },
    }),
  ],
}

export const rulingPaths: Record<string, Operation> = {
  'GET /v1/admin/disputes': {
    summary: 'The disputes of which one side has appealed, newest first.',
    access: 'admin',
    gives: [200, 'The disputes.', json(ref('DisputeList'))],
  },
  'GET /v1/admin/disputes/{id}': {
    summary: 'A dispute with its texts. The look is noted in the audit log.',
    access: 'admin',
    gives: [200, 'The dispute.', json(disputeWithTexts)],
  },
  'POST /v1/admin/disputes/{id}/ruling': {
    summary: 'Have the last word after an appeal. It is noted in the audit log.',
    access: 'admin',
    takes: 'RulingRequest',
    gives: [200, 'The dispute, which is final.', json(ref('Dispute'))],
  },
}

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
  'POST /v1/trust/{id}/appeal': {
    summary: 'Appeal against the conviction of a scout, once, by its owner: fresh checks decide anew.',
    access: 'any',
    takes: 'AppealRequest',
    gives: [200, 'The scout, whose conviction goes on until they have decided.', json(scoutTrust)],
  },
}
