/**
 * The `chasm` field of a request, by which a client directs the hub itself: its schema, and its form as the engine's
 * routing options. What they do to placement and retries is the core's part.
 */
import { z } from 'zod'
import { routingNameCharsMax, routingNamesMax } from '../../../shared/limits/http.ts'
import { attemptsMax, requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import type { Submission } from '../../engine/ports/client.ts'
import { expects, flag, integerFrom, listOf, textUpTo } from './validation.ts'

const sorts = ['latency', 'throughput', 'price'] as const
const sort = z.enum(sorts, expects(`must be one of ${sorts.join(', ')}`))

const namesRule = `must be a list of 1 to ${routingNamesMax} strings`
const names = listOf(textUpTo(routingNameCharsMax), namesRule, routingNamesMax).min(1, expects(namesRule))
const whom = 'scouts, operators or providers, by name'

export interface ChasmFields {
  deadline_ms?: number | null
  sort?: (typeof sorts)[number] | null
  only?: string[] | null
  ignore?: string[] | null
  trusted?: boolean | null
  max_attempts?: number | null
  hedge_after_ms?: number | null
  continue?: boolean | null
  explain?: boolean | null
  params?: Record<string, unknown> | null
  progress?: boolean | null
}

export const chasm = z
  .strictObject(
    {
      deadline_ms: integerFrom(1, requestDeadlineMs).describe('How long the whole answer may take.'),
      sort: sort.nullish().describe('What counts when scouts are compared; latency when absent.'),
      only: names.nullish().describe(`Nobody else may answer: ${whom}.`),
      ignore: names.nullish().describe(`These may not answer: ${whom}.`),
      trusted: flag.describe('Only scouts whose answers for the model have passed the audits of the hub.'),
      max_attempts: integerFrom(1, attemptsMax).describe('How many attempts at most.'),
      hedge_after_ms: integerFrom(0, requestDeadlineMs).describe(
        'Ask a second scout when no content has come by then; 0 for never. When absent, the hub decides.',
      ),
      continue: flag.describe(
        'Streams of plain text only: when a scout is lost after the answer began, another one goes on from there.',
      ),
      explain: flag.describe('Also say what led to the choice of the scout, in `chasm.cost_ms` of the answer.'),
      params: z
        .record(z.string(), z.unknown(), expects('must be an object'))
        .nullish()
        .describe('For virtual models: params of the template behind the name.'),
      progress: flag.describe('For streams of virtual models: chunks without choices that tell what each node does.'),
    },
    expects('must be an object'),
  )
  .nullish()
  .describe('Instructions to the hub itself.')

/** What stands in the way of going on at another scout, of an answer that only its text could be continued of. */
interface ContinuableFields {
  stream?: boolean | null | undefined
  n?: number | null | undefined
  logprobs?: boolean | null | undefined
  tools?: unknown[] | null | undefined
  functions?: unknown
  response_format?: { type: string } | null | undefined
}

/** What a request must change before it may ask for `continue`; null when nothing. */
export function obstacleToContinue(sent: ContinuableFields): string | null {
  if (sent.stream !== true) return 'needs `stream: true`: stream, or remove it'
  const obstacle = obstacleIn(sent)
  return obstacle === null ? null : `goes on with plain text only: remove it, or ${obstacle}`
}

function obstacleIn({ n, logprobs, tools, functions, response_format: format }: ContinuableFields): string | null {
  if ((n ?? 1) > 1) return 'ask for one choice instead of `n`'
  if (logprobs === true) return 'ask without `logprobs`'
  if (isFilledList(tools)) return 'ask without `tools`'
  if (isFilledList(functions)) return 'ask without `functions`'
  return (format?.type ?? 'text') === 'text' ? null : 'ask without `response_format`'
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}

/** A checked `chasm` field as the engine's submission has it: only the fields that were sent. */
export function routingOf(asked: ChasmFields | null | undefined): Pick<Submission, 'deadlineMs' | 'routing'> {
  if (!asked) return {}
  const { deadline_ms: deadlineMs, max_attempts: attempts, hedge_after_ms: hedgeAfterMs } = asked
  const routing: Submission['routing'] = {
    ...(asked.sort && { sort: asked.sort }),
    ...(asked.only && { only: asked.only }),
    ...(asked.ignore && { ignore: asked.ignore }),
    ...(typeof attempts === 'number' && { attemptsMax: attempts }),
    ...(typeof hedgeAfterMs === 'number' && { hedgeAfterMs }),
    ...(asked.continue && { continues: true }),
    ...(asked.trusted && { requires: { isTrusted: true } }),
  }
  return { routing, ...(typeof deadlineMs === 'number' && { deadlineMs }) }
}
