/**
 * The part of the OpenAPI document about the page and what feeds it: the live feed, the charts' history, the counts of
 * the hub, the page's files. Kept beside the route table's check; the words are for people who read the document.
 */
import { scoutsPageDefault, scoutsPageMax } from '../../../shared/limits/http.ts'
import { historySpans } from '../live/ring.ts'
import { count, inQuery, type Json, json, type Operation, object, orNull, seconds, text, texts } from './parts.ts'

const some = { type: 'number' }
const feed = { 'text/event-stream': { schema: text } }

export const livePaths: Record<string, Operation> = {
  'GET /v1/live': {
    summary:
      'Topics as server-sent events, each whole and at most once a second; as one JSON object without ' +
      '`Accept: text/event-stream`. `hub`: counts. `traffic`: the newest two seconds. `mine`: the newest answer of ' +
      'this key. `attention`: what an operator should look at (admins).',
    access: 'any',
    parameters: [inQuery('topics', text, 'Names with commas between.')],
    gives: [200, 'The topics.', feed],
  },
  'GET /v1/history': {
    summary: 'The charts of the whole hub: rates per second, times in milliseconds, null where nothing is known.',
    access: 'any',
    parameters: [inQuery('span', text, `One of ${Object.keys(historySpans).join(', ')}.`)],
    gives: [
      200,
      'Equally spaced series.',
      json(
        object({
          ...{ object: { const: 'history' }, span: text, start: seconds, step_ms: count },
          series: { type: 'object', additionalProperties: { type: 'array', items: orNull(some) } },
        }),
      ),
    ],
  },
  'GET /v1/hub': {
    summary:
      'How many scouts and models there are, and how much is under way; for which platforms this hub hands out an ' +
      'executable of the scout.',
    access: 'open',
    gives: [
      200,
      'Counts.',
      json(
        object({
          ...{ object: { const: 'hub' }, ready: { type: 'boolean' }, scouts: count, models: count },
          ...{ queued: count, leased: count, credits: count, scout_builds: texts },
        }),
      ),
    ],
  },
  'GET /scout.sh': {
    summary:
      'A script for a shell that fetches, checks and starts a scout for this hub: ' +
      '`curl -fsS HUB/scout.sh | SCOUT_KEY=... sh`.',
    access: 'open',
    gives: [200, 'The script.', { 'text/plain': { schema: text } }],
  },
  'GET /scout/{id}': {
    summary: 'The executable of the scout for a platform, such as `linux-x64`; 404 when this hub has none for it.',
    access: 'open',
    gives: [200, 'The executable.', { 'application/octet-stream': { schema: text } }],
  },
  'GET /page/{id}': {
    summary: "A file of the page, named after its content; 404 when this hub's page has no such file.",
    access: 'open',
    gives: [200, 'The file.', { '*/*': { schema: text } }],
  },
}

export const scoutListParameters: Json[] = [
  inQuery('limit', text, `At most ${scoutsPageMax}; ${scoutsPageDefault} when absent.`),
  inQuery('after', text, '`next` of the page before.'),
  inQuery('name', text, 'A part of the name.'),
  inQuery('show', text, '`failing`, `paused` or `idle`: those in that trouble only.'),
]
