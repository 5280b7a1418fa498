/**
 * What a node's answer has to be when it must fit a JSON schema of the client's. The schema is untrusted input for
 * the validator, so it is judged before it is compiled: bounded in size, references only forwards into its own
 * definitions and counted as often as they are followed, regular expressions that cannot backtrack for long.
 */
import Ajv, { type ValidateFunction } from 'ajv/dist/2020.js'
import {
  contractCacheMax,
  contractDepthMax,
  contractNodesMax,
  contractSchemaCharsMax,
  contractTextCharsMax,
  patternCharsMax,
  patternParts,
  patternTextCharsMax,
} from '../../../shared/limits/planner.ts'
import type { Contract } from '../../engine/ports/planner.ts'
import { jsonIn } from '../text/answer-text.ts'
import { regexFlaw } from './regex-safety.ts'

type Schema = Record<string, unknown>

/** Words of JSON Schema with which a small schema can ask for endless work, or reach outside of itself. */
const refused = ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor']
/** What holds no schema, or only schemas that count where they are referred to. */
const aside = ['const', 'enum', 'default', 'examples', '$defs', 'definitions']
const named = ['properties', 'patternProperties', 'dependentSchemas']
const inDefinitions = /^#\/(\$defs|definitions)\/[^/]+$/

/** What is wrong with a schema, as the rest of a sentence that begins with its name; null when it can be used. */
export function schemaFlaw(schema: unknown): string | null {
  if (!isSchema(schema)) return 'must be a JSON schema: an object'
  if (JSON.stringify(schema).length > contractSchemaCharsMax) {
    return `is longer than ${contractSchemaCharsMax} characters: ask for less in one node`
  }
  const flaw = new Judge(schema).flaw()
  if (flaw !== null) return flaw
  try {
    validatorOf(schema)
    return null
  } catch (error) {
    return `cannot be used: ${(error as Error).message}`
  }
}

/** What is wrong with an answer under a contract, as a sentence for the model; null when it keeps it. */
export function checkContract(contract: Contract, text: string): string | null {
  if (contract.type === 'text') return null
  if (text.length > contractTextCharsMax) {
    return `The answer is longer than the ${contractTextCharsMax} characters that are allowed: answer shorter.`
  }
  const found = jsonIn(text)
  if (found === undefined) return 'The answer is not JSON: answer with one JSON value and nothing else.'
  const validate = validatorOf(contract.schema as Schema)
  if (validate(found.value)) return null
  const { instancePath, message } = validate.errors![0]!
  const place = instancePath === '' ? 'The answer' : `In the answer, ${instancePath.slice(0, 200)}`
  return `${place} ${message}: answer with JSON that fits the schema.`
}

const validators = new Map<string, ValidateFunction>()

function validatorOf(schema: Schema): ValidateFunction {
  const key = JSON.stringify(schema)
  const known = validators.get(key)
  if (known !== undefined) return known
  const { $schema: _, ...rest } = schema
  // Errors end at the first: all of them would be another way to ask for endless work.
  const options = {
    strict: false,
    validateFormats: false,
    allErrors: false,
    logger: false,
    addUsedSchema: false,
  } as const
  const made = new Ajv({ ...options, code: { regExp: searchFor } }).compile(rest)
  const [oldest] = validators.keys()
  if (validators.size >= contractCacheMax) validators.delete(oldest!)
  validators.set(key, made)
  return made
}

/** Regular expressions that match no long text, which bounds the cost of those that were accepted. */
const searchFor = Object.assign(
  (pattern: string, flags: string) => {
    const search = new RegExp(pattern, flags)
    const test = (text: string) => text.length <= patternTextCharsMax && search.test(text)
    // Its text is the name under which the validator finds it again.
    return { test, toString: () => String(search) }
  },
  // What ajv would write into code of its own if it were asked to; it never is.
  { code: 'new RegExp' },
)

/** Walks a schema and counts what checking one value against it may cost. */
class Judge {
  private readonly costs = new Map<unknown, number>()
  private readonly open = new Set<unknown>()
  private wrong: string | null = null

  constructor(private readonly root: Schema) {}

  flaw(): string | null {
    const cost = this.cost(this.root, 0)
    if (this.wrong !== null) return this.wrong
    if (cost <= contractNodesMax) return null
    return `has more than ${contractNodesMax} parts, its references followed: ask for less in one node`
  }

  private cost(node: unknown, depth: number): number {
    if (this.wrong !== null || typeof node !== 'object' || node === null) return 0
    const known = this.costs.get(node)
    if (known !== undefined) return known
    if (this.open.has(node)) return this.fail('refers to itself: say how deep it may go by writing the levels out')
    if (depth > contractDepthMax) return this.fail(`is nested more than ${contractDepthMax} levels deep: flatten it`)
    this.open.add(node)
    let sum = 1 + (Array.isArray(node) ? 0 : patternParts * this.judge(node as Schema))
    for (const [key, value] of Object.entries(node)) {
      if (Array.isArray(node)) sum += this.cost(value, depth + 1)
      else sum += this.costOfWord(key, value, depth + 1)
      if (sum > contractNodesMax) break
    }
    this.open.delete(node)
    this.costs.set(node, sum)
    return sum
  }

  private costOfWord(word: string, value: unknown, depth: number): number {
    if (aside.includes(word)) return 0
    if (word === '$ref') return this.cost(this.referred(value), depth)
    if (!named.includes(word) || !isSchema(value)) return this.cost(value, depth)
    // Names of the client's choosing, each with a schema: `const` may be one of them.
    return Object.values(value).reduce<number>((sum, schema) => sum + this.cost(schema, depth), 0)
  }

  /** How many patterns it has of its own. */
  private judge(node: Schema): number {
    const word = refused.find((key) => key in node)
    if (word !== undefined) this.fail(`uses ${word}, which is not allowed here: write the parts out`)
    const patterns = [node.pattern, ...(isSchema(node.patternProperties) ? Object.keys(node.patternProperties) : [])]
    const written = patterns.filter((pattern) => typeof pattern === 'string')
    for (const pattern of written) {
      const flaw =
        pattern.length > patternCharsMax ? `is longer than ${patternCharsMax} characters` : regexFlaw(pattern)
      if (flaw !== null) this.fail(`has a pattern that ${flaw}`)
    }
    const isBounded = typeof node.maxItems === 'number' && node.maxItems <= contractNodesMax
    if (node.uniqueItems === true && !isBounded) {
      this.fail(`uses \`uniqueItems\` without a \`maxItems\` of at most ${contractNodesMax}: add it`)
    }
    return written.length
  }

  private referred(ref: unknown): unknown {
    if (typeof ref !== 'string' || !inDefinitions.test(ref)) {
      return this.fail('has a `$ref` that does not lead into its own `$defs`: write it as "#/$defs/name"')
    }
    const [, holder, name] = ref.split('/') as [string, string, string]
    const definitions = this.root[holder]
    const step = decoded(name).replaceAll('~1', '/').replaceAll('~0', '~')
    if (isSchema(definitions) && Object.hasOwn(definitions, step)) return definitions[step]
    return this.fail(`refers to ${ref.slice(0, 80)}, which is not in it`)
  }

  private fail(flaw: string): 0 {
    this.wrong ??= flaw
    return 0
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
