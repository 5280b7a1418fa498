/**
 * Judges a client's JSON schema before anything is built of it: walks it exactly where the validator would, and counts
 * what it costs to compile and to check one value against. `contract.ts` asks it at planning, and again before it
 * compiles.
 */
import { contractDepthMax, contractNodesMax, patternBuildParts, patternParts } from '../../../shared/limits/planner.ts'
import { patternCost } from './pattern.ts'

export type Schema = Record<string, unknown>

/** Words with which a small schema can ask for endless work, reach outside of itself, or change how it is run. */
const refused = [
  ...['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', '$async', 'id'],
]
/** Where the validator reads one schema, a list of schemas, or schemas under names of the client's choosing. */
const single = [
  ...['items', 'contains', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'propertyNames'],
  ...['not', 'if', 'then', 'else', 'additionalItems', 'contentSchema'],
]
const listed = ['prefixItems', 'allOf', 'anyOf', 'oneOf', 'items']
const named = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies']
/** Schemas that count where they are referred to, and are judged where they stand. */
const holders = ['$defs', 'definitions']
/** What is said to people alone. */
const remarks = ['title', 'description', '$comment', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly']
/** Words for which the validator compiles everything beside them several times over, and how often. */
const entangling = ['unevaluatedProperties', 'unevaluatedItems']
const entangled = 4
/** What a name may not hold, since it could be read in two ways: an escaped slash, tilde, or percent sign. */
const ambiguous = /%(25|2f|7e)/i
const inDefinitions = /^#\/(\$defs|definitions)\/[^/]+$/

/** What a schema costs in parts, or what is wrong with it as the rest of a sentence. */
export function schemaCost(root: Schema): number | string {
  return new Judge(root).judged()
}

class Judge {
  private readonly costs = new Map<unknown, number>()
  private readonly open = new Set<unknown>()
  private wrong: string | null = null

  constructor(private readonly root: Schema) {}

  judged(): number | string {
    const cost = this.cost(this.root, 0)
    // Also those that nothing seems to refer to: nobody else's way of reading a reference is trusted.
    for (const holder of holders) for (const one of valuesOf(this.root[holder])) this.cost(one, 1)
    if (this.wrong !== null) return this.wrong
    if (cost <= contractNodesMax) return cost
    return `has more than ${contractNodesMax} parts, its references followed: ask for less in one node`
  }

  /** Of one schema. */
  private cost(node: unknown, depth: number): number {
    if (this.wrong !== null || !isSchema(node)) return 1
    const known = this.costs.get(node)
    if (known !== undefined) return known
    if (this.open.has(node)) return this.fail('refers to itself: say how deep it may go by writing the levels out')
    if (depth > contractDepthMax) return this.fail(`is nested more than ${contractDepthMax} levels deep: flatten it`)
    this.open.add(node)
    let sum = 1 + this.own(node)
    for (const word in node) {
      sum += this.costOfWord(word, node[word], depth + 1)
      if (sum > contractNodesMax) break
    }
    if (entangling.some((word) => word in node)) sum *= entangled
    this.open.delete(node)
    this.costs.set(node, sum)
    return sum
  }

  private costOfWord(word: string, value: unknown, depth: number): number {
    if (holders.includes(word) || remarks.includes(word)) return 0
    if (word === '$ref') return this.cost(this.referred(value), depth)
    if (listed.includes(word) && Array.isArray(value)) return this.costOfAll(value, depth)
    if (named.includes(word)) return this.costOfAll(valuesOf(value), depth)
    if (single.includes(word)) return this.cost(value, depth)
    if (word === 'dependentRequired') {
      return valuesOf(value).reduce<number>((sum, names) => sum + 1 + (Array.isArray(names) ? names.length : 0), 1)
    }
    return 1 + (Array.isArray(value) ? value.length : 0)
  }

  private costOfAll(schemas: readonly unknown[], depth: number): number {
    let sum = 0
    for (const schema of schemas) {
      sum += Array.isArray(schema) ? schema.length : this.cost(schema, depth)
      if (sum > contractNodesMax) break
    }
    return sum
  }

  /** Of its patterns and of its test for unique items; fails on what no schema may hold. */
  private own(node: Schema): number {
    const word = refused.find((key) => Object.hasOwn(node, key))
    if (word !== undefined) this.fail(`uses ${word}, which is not allowed here: write the parts out`)
    if (node.nullable !== undefined && (node.type === undefined || node.nullable === false)) {
      this.fail('uses `nullable` without a `type` that it could add to: write the type as a list with "null"')
    }
    const names = isSchema(node.patternProperties) ? Object.keys(node.patternProperties) : []
    const patterns = [node.pattern, ...names].filter((pattern) => typeof pattern === 'string')
    let sum = 0
    for (const pattern of patterns) {
      sum += patternParts
      if (sum > contractNodesMax) return sum
      const cost = patternCost(pattern)
      if (typeof cost === 'string') return this.fail(`has a pattern that ${cost}`)
      sum += Math.ceil(cost.build / patternBuildParts)
    }
    if (node.uniqueItems !== true) return sum
    const { maxItems } = node
    const isBounded = typeof maxItems === 'number' && maxItems <= contractNodesMax
    // Each item may be compared with each before it.
    return isBounded
      ? sum + Math.max(0, maxItems)
      : this.fail(`uses \`uniqueItems\` without a \`maxItems\` of at most ${contractNodesMax}: add it`)
  }

  private referred(ref: unknown): unknown {
    if (typeof ref !== 'string' || !inDefinitions.test(ref) || ambiguous.test(ref)) {
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

function valuesOf(value: unknown): unknown[] {
  return isSchema(value) ? Object.values(value) : []
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
