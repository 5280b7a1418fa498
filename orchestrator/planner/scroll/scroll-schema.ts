/**
 * The form of a scroll as one schema: the source of `/schemas/scroll.json` and of the checks on a node's fields
 * beside its request. Ids, needs and the graph are checked by `scroll-nodes.ts` and `scroll.ts`, which know the other
 * nodes; the request itself by the edge, as if it had come alone.
 */
import { z } from 'zod'
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { intentDeadlineMsMax } from '../../../shared/limits/intents.ts'
import {
  budgetTokensMin,
  mapItemsDefault,
  mapItemsMax,
  nodeIdCharsMax,
  paramsMax,
  priceDollarsMax,
  scrollNeedsMax,
  scrollNodesMax,
  splitCharsDefault,
  splitCharsMax,
  splitCharsMin,
  voteAnswersMax,
} from '../../../shared/limits/planner.ts'
import { attemptsMax } from '../../../shared/limits/scheduling.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { abilityNames } from '../../../shared/task.ts'

const says = (wish: string) => ({ error: (issue: { input?: unknown }) => wishFor(issue.input, wish) })
const wishFor = (input: unknown, wish: string) => (input === undefined ? `is required: it ${wish}` : wish)

function whole(least: number, most: number) {
  const wish = says(`must be a whole number from ${least} to ${most}`)
  return z.int(wish).min(least, wish).max(most, wish)
}

function text(most: number, least = 1) {
  const wish = says(`must be a string of ${least} to ${most} characters`)
  return z.string(wish).min(least, wish).max(most, wish)
}

const anObject = says('must be an object')
const model = text(modelCharsMax)
const prompt = text(Number.MAX_SAFE_INTEGER)
  .meta({ maxLength: undefined })
  .describe('One message of the user; may hold references.')
const reference = text(1_024)
const scalar = z.union(
  [z.string(), z.number(), z.boolean(), z.null()],
  says('must be a string, number, boolean or null'),
)

const priceRule = `must be a number from 0 to ${priceDollarsMax}`

const requires = z
  .strictObject(
    {
      context_tokens: whole(1, 100_000_000).optional().describe('The least context that its model must take.'),
      abilities: z
        .array(z.enum(abilityNames, says(`must be one of ${abilityNames.join(', ')}`)), says('must be a list'))
        .max(abilityNames.length, says('names an ability twice'))
        .optional(),
      max_price: z
        .number(says(priceRule))
        .min(0, says(priceRule))
        .max(priceDollarsMax, says(priceRule))
        .optional()
        .describe('Dollars per million tokens, of prompt and answer each, that an offer may cost.'),
      trust: z
        .number(says('must be a number from 0 to 1'))
        .min(0, says('must be a number from 0 to 1'))
        .max(1, says('must be a number from 0 to 1'))
        .optional()
        .describe("Share of the scout's newest attempts that ended well; who has no record yet is left out."),
      trusted: z
        .literal(true, says('must be true'))
        .optional()
        .describe('Only scouts whose answers for the model have passed the audits of the hub.'),
    },
    anObject,
  )
  .describe('Which offers may serve it.')

const output = z
  .union(
    [
      z.literal('text'),
      z.strictObject({
        schema: z.looseObject({}, anObject).describe('A JSON schema that the answer must fit.'),
        name: text(64).optional(),
      }),
    ],
    says('must be "text" or {"schema": {…}}'),
  )
  .describe('What the answer must be. A broken contract is told to the model once; then another scout is tried.')

const split = z.strictObject(
  {
    text: reference.describe('What holds the text, as `input`, `params.book` or `nodes.fetch`.'),
    chars: whole(splitCharsMin, splitCharsMax).default(splitCharsDefault).describe('Characters of one part at most.'),
  },
  anObject,
)

const reduce = z
  .strictObject(
    {
      prompt: prompt.describe('Merges some answers, in their order, which stand where it says {{items}}.'),
      model: model.optional(),
      chars: whole(splitCharsMin, splitCharsMax)
        .default(splitCharsDefault * 3)
        .describe('What one merge may read.'),
    },
    anObject,
  )
  .describe('Merges the answers; what does not fit into one merge is merged in groups first.')

const map = z
  .strictObject(
    {
      over: reference.optional().describe('What holds the list, as `params.names` or `nodes.plan.steps`.'),
      split: split.optional().describe('Instead of a list: a text, cut on its structure.'),
      max: whole(1, mapItemsMax).default(mapItemsDefault).describe('More items than this fail the node.'),
      reduce: reduce.optional(),
      join: text(64, 0)
        .optional()
        .describe('Without `reduce`: makes one text of the answers; a JSON list when absent.'),
    },
    anObject,
  )
  .describe('Asks the node once for each item, which stands where it says {{item}}; {{index}} counts from 1.')

const vote = z
  .strictObject(
    {
      answers: whole(2, voteAnswersMax).optional().describe('How many answers; as many as `models` when absent.'),
      models: z.array(model, says('must be a list of models')).min(1).max(voteAnswersMax).optional(),
      by: z.enum(['agreement', 'judge'], says('must be "agreement" or "judge"')),
      quorum: whole(1, voteAnswersMax).optional().describe('Answers that must come, or with agreement: must be alike.'),
      judge: z
        .strictObject(
          {
            prompt: prompt.optional().describe('Reads the answers where it says {{answers}}.'),
            model: model.optional(),
          },
          anObject,
        )
        .optional()
        .describe('Who judges, and by which words; the hub has its own.'),
    },
    anObject,
  )
  .describe('Asks several times, and lets agreement or a judge make one answer of it.')

const when = z
  .strictObject(
    {
      ref: reference.describe('A field of a result, as `nodes.check.ok`.'),
      is: scalar.optional(),
      in: z.array(scalar, says('must be a list')).max(64, says('has more than 64 values')).optional(),
      exists: z.boolean(says('must be true or false')).optional(),
      above: z.number(says('must be a number')).optional(),
      below: z.number(says('must be a number')).optional(),
    },
    anObject,
  )
  .describe('The node is asked only if this holds; otherwise its result is empty. Holds exactly one test.')

/** What a node may hold beside its id, its needs and its request. */
export const nodeTerms = z.object({
  output: output.optional(),
  requires: requires.optional(),
  deadline_ms: whole(1, intentDeadlineMsMax).optional().describe('From the moment when all that it needs is done.'),
  attempts: whole(1, attemptsMax).optional(),
  map: map.optional(),
  vote: vote.optional(),
  when: when.optional(),
})
export type NodeTerms = z.output<typeof nodeTerms>

export const scrollTerms = z.object({
  params: z
    .record(z.string(), z.unknown(), anObject)
    .refine((params) => Object.keys(params).length <= paramsMax, says(`must have at most ${paramsMax} fields`))
    .optional()
    .describe('What texts refer to as {{params.name}}.'),
  input: text(Number.MAX_SAFE_INTEGER, 0)
    .meta({ maxLength: undefined })
    .optional()
    .describe('What texts refer to as {{input}}.'),
  budget: z
    .strictObject({ tokens: whole(budgetTokensMin, Number.MAX_SAFE_INTEGER) }, anObject)
    .optional()
    .describe('Tokens of prompts and answers together, after which no further node is begun.'),
})
export type ScrollTerms = z.output<typeof scrollTerms>

/** The value as its schema reads it, or the fault that names the place. */
export function termsOf<T>(schema: z.ZodType<T>, value: unknown, place: string, whose: string): T | Fault {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const { path, message } = read.error.issues[0]!
  const strange =
    read.error.issues[0]!.code === 'unrecognized_keys' ? (read.error.issues[0] as { keys: string[] }).keys : []
  const name = [...path, ...strange.slice(0, 1)].reduce<string>(
    (name, step) => name + (typeof step === 'number' ? `[${step}]` : `.${String(step)}`),
    place,
  )
  const wish = strange.length > 0 ? 'is not known here: remove it' : message
  const param = plainMessage(name)
  return fault('invalid_request', plainMessage(`${whose}\`${param}\` ${wish}.`), { param })
}

/** The schema that is published: JSON Schema 2020-12. */
export function scrollJsonSchema(): object {
  const id = { type: 'string', pattern: `^[A-Za-z0-9_-]{1,${nodeIdCharsMax}}$` }
  const { properties } = z.toJSONSchema(nodeTerms, { io: 'input' }) as { properties: object }
  const whole = z.toJSONSchema(scrollTerms, { io: 'input' }) as { properties: object }
  const node = {
    type: 'object',
    description:
      'A request with an id. Fields that are not listed here are those of a chat completion or of embeddings.',
    required: ['id'],
    properties: {
      id,
      needs: {
        type: 'array',
        maxItems: scrollNeedsMax,
        items: id,
        description: 'Ids of nodes whose results it needs.',
      },
      kind: { enum: ['chat', 'embed', 'specialist'], default: 'chat' },
      model: { type: 'string', description: 'A name from /v1/models; `auto` leaves the choice to the hub.' },
      capability: { type: 'string', description: 'Of kind specialist: the name under which it is offered.' },
      prompt: { type: 'string', minLength: 1, description: 'Short for one message of the user.' },
      messages: { type: 'array', minItems: 1, items: { type: 'object' } },
      input: { description: 'Of kind embed: what to embed.' },
      ...properties,
    },
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Scroll',
    description: 'A plan of requests that build on each other, as a hub of Chasm carries it out.',
    type: 'object',
    required: ['nodes'],
    additionalProperties: false,
    properties: {
      nodes: { type: 'array', minItems: 1, maxItems: scrollNodesMax, items: node },
      result: { ...id, description: 'The node whose answer counts; may be left out when no node needs all others.' },
      ...whole.properties,
    },
  }
}
