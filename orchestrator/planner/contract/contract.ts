/**
 * What a node's answer has to be when it must fit a JSON schema of the client's. Both are untrusted input for the
 * validator. A schema is judged when it is planned and compiled when the first answer comes; what both cost is bounded
 * by the parts that it was judged to have, and a check by parts times what the answer holds.
 */
import Ajv, { type ValidateFunction } from 'ajv/dist/2020.js'
import { jsonChars } from '../../../shared/json/json-size.ts'
import {
  contractCacheMax,
  contractCacheParts,
  contractSchemaCharsMax,
  contractStepsMax,
  contractTextCharsMax,
  contractTextCharsPerStep,
} from '../../../shared/limits/planner.ts'
import type { Contract } from '../../engine/ports/planner.ts'
import { jsonIn } from '../text/answer-text.ts'
import { searchFor, TooManySteps, withSteps } from './pattern.ts'
import { isSchema, type Schema, schemaCost } from './schema-judge.ts'

const common = { strict: false, validateFormats: false, allErrors: false, logger: false, addUsedSchema: false } as const

/** Knows the schema of schemas, compiled once: that alone takes longer than any schema of a client's. */
const dialect = new Ajv(common)
void dialect.validateSchema({})

/** What is wrong with a schema, as the rest of a sentence that begins with its name; null when it can be used. */
export function schemaFlaw(schema: unknown): string | null {
  if (!isSchema(schema)) return 'must be a JSON schema: an object'
  // Counted first: one of megabytes is not written out to be measured.
  const isLong = jsonChars(schema, contractSchemaCharsMax) > contractSchemaCharsMax
  if (isLong || JSON.stringify(schema).length > contractSchemaCharsMax) {
    return `is longer than ${contractSchemaCharsMax} characters: ask for less in one node`
  }
  const cost = schemaCost(schema)
  if (typeof cost === 'string') return cost
  if (dialect.validateSchema(withoutDialect(schema)) === true) return null
  return `cannot be used: ${dialect.errorsText(dialect.errors?.slice(0, 1), { dataVar: 'schema' })}`
}

/** What is wrong with an answer under a contract, as a sentence for the model; null when it keeps it. */
export function checkContract(contract: Contract, text: string): string | null {
  if (contract.type === 'text') return null
  if (text.length > contractTextCharsMax) {
    return `The answer is longer than the ${contractTextCharsMax} characters that are allowed: answer shorter.`
  }
  const found = jsonIn(text)
  if (found === undefined) return 'The answer is not JSON: answer with one JSON value and nothing else.'
  const { validate, parts, flaw } = compiled(contract.schema as Schema)
  if (validate === null) return `The schema of this node cannot be used, whatever is answered: ${flaw}.`
  if (checkSteps(found.value, text.length, parts) > contractStepsMax) return tooMuch
  try {
    if (withSteps(() => validate(found.value)).found) return null
  } catch (error) {
    if (error instanceof TooManySteps) return tooMuch
    throw error
  }
  const { instancePath, message } = validate.errors![0]!
  const place = instancePath === '' ? 'The answer' : `In the answer, ${instancePath.slice(0, 200)}`
  return `${place} ${message}: answer with JSON that fits the schema.`
}

const tooMuch = 'The answer holds more than can be checked against the schema: answer with fewer and shorter values.'

/** At most what a check takes: each part of the schema looks at each value, and at the characters of each text. */
export function checkSteps(value: unknown, chars: number, parts: number): number {
  return parts * (valuesIn(value) + chars / contractTextCharsPerStep)
}

function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  let count = 1
  for (const inner of Array.isArray(value) ? value : Object.values(value)) count += valuesIn(inner)
  return count
}

/** `flaw` when there is no validator. */
interface Compiled {
  validate: ValidateFunction | null
  parts: number
  flaw: string
}

/** By the schema's text; the one used last at the end. */
const kept = new Map<string, Compiled>()
let keptParts = 0

function compiled(schema: Schema): Compiled {
  const key = JSON.stringify(schema)
  let one = kept.get(key)
  if (one === undefined) {
    one = compile(schema)
    keptParts += one.parts
    for (const [oldest, { parts }] of kept) {
      if (kept.size < contractCacheMax && keptParts <= contractCacheParts) break
      kept.delete(oldest)
      keptParts -= parts
    }
  } else kept.delete(key)
  kept.set(key, one)
  return one
}

/** Judged once more: a schema that was stored before a bound was set must not be compiled beyond it. */
function compile(schema: Schema): Compiled {
  const parts = schemaCost(schema)
  if (typeof parts === 'string') return { validate: null, parts: 1, flaw: `it ${parts}` }
  // What the compiler's own improvements save a check, they cost many times over in compiling.
  const code = { optimize: false, regExp: searchFor } as const
  try {
    const ajv = new Ajv({ ...common, meta: false, validateSchema: false, code })
    return { validate: ajv.compile(withoutDialect(schema)), parts, flaw: '' }
  } catch (error) {
    return { validate: null, parts: 1, flaw: (error as Error).message.slice(0, 200) }
  }
}

function withoutDialect({ $schema: _, ...rest }: Schema): Schema {
  return rest
}
