/**
 * Makes an instance of a JSON Schema, the same one for the same dice: what the demo provider answers to tools and to
 * `response_format`. The schema is a stranger's, so depth and size are bounded; one that has no small instance (it
 * refers to itself without an end) is the client's fault. `pattern`, `not` and `if` are not looked at.
 */
import { fault } from '../../../shared/faults.ts'
import { ProviderError } from '../provider.ts'
import { type Dice, pick } from './dice.ts'

type Schema = Record<string, unknown>

/** From here on only what is required is made, and the smallest alternative is taken. */
const frugalDepth = 4
const depthMax = 24
/** Values in one instance. */
const nodesMax = 2_000
const stringCharsMax = 4_096
const words = ['amber', 'basalt', 'cedar', 'delta', 'ember', 'fjord', 'granite', 'harbor', 'island', 'juniper']

const formats: Readonly<Record<string, string>> = {
  'date-time': '2024-01-01T00:00:00Z',
  date: '2024-01-01',
  time: '00:00:00Z',
  duration: 'P1D',
  email: 'demo@example.com',
  hostname: 'example.com',
  uri: 'https://example.com/',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/** An instance of `schema`. Throws `invalid_request` naming `param` when there is none within the bounds. */
export function instanceOf(schema: unknown, dice: Dice, param: string): unknown {
  return new Maker(schema, dice, param).make(schema, 0)
}

class Maker {
  #nodes = 0

  constructor(
    private readonly root: unknown,
    private readonly dice: Dice,
    private readonly param: string,
  ) {}

  make(node: unknown, depth: number): unknown {
    this.#count(depth)
    if (!isSchema(node)) return pick(words, this.dice)
    const here = this.#resolved(node)
    if ('const' in here) return here.const
    if (Array.isArray(here.enum) && here.enum.length > 0) return pick(here.enum, this.dice)
    const alternatives = here.anyOf ?? here.oneOf
    if (Array.isArray(alternatives) && alternatives.length > 0) {
      const { anyOf: _any, oneOf: _one, ...rest } = here
      return this.make(merged(rest, alternative(alternatives, depth)), depth + 1)
    }
    switch (typeOf(here)) {
      case 'object':
        return this.#object(here, depth)
      case 'array':
        return this.#array(here, depth)
      case 'integer':
      case 'number':
        return number(here, this.dice)
      case 'boolean':
        return this.dice() < 0.5
      case 'null':
        return null
      default:
        return text(here, this.dice)
    }
  }

  /** Every step counts, also those that only follow references: they can fan out. */
  #count(depth: number): void {
    if (++this.#nodes > nodesMax || depth > depthMax) throw tooLarge(this.param)
  }

  /** `node` with its references followed and its `allOf` merged in. */
  #resolved(node: Schema): Schema {
    this.#count(0)
    const { $ref, allOf, ...rest } = node
    const referred = typeof $ref === 'string' ? [pointedAt(this.root, $ref, this.param)] : []
    let here: Schema = rest
    for (const part of [...referred, ...(Array.isArray(allOf) ? allOf : [])]) {
      if (isSchema(part)) here = merged(here, this.#resolved(part))
    }
    return here
  }

  #object(here: Schema, depth: number): unknown {
    const properties = isSchema(here.properties) ? here.properties : {}
    const required = Array.isArray(here.required) ? here.required.filter((name) => typeof name === 'string') : []
    const optional = depth < frugalDepth ? Object.keys(properties) : []
    // Without a prototype, a property called `__proto__` is one like any other.
    const made: Record<string, unknown> = Object.create(null)
    for (const name of new Set([...required, ...optional])) {
      made[name] = this.make(Object.hasOwn(properties, name) ? properties[name] : true, depth + 1)
    }
    return made
  }

  #array(here: Schema, depth: number): unknown[] {
    const prefix = Array.isArray(here.prefixItems) ? here.prefixItems : []
    const least = whole(here.minItems) ?? 0
    const most = whole(here.maxItems) ?? Number.POSITIVE_INFINITY
    const count = Math.min(most, Math.max(least, prefix.length, depth < frugalDepth ? 1 : 0))
    const made: unknown[] = []
    const seen = new Set<string>()
    while (made.length < count) {
      const item = this.make(prefix[made.length] ?? here.items, depth + 1)
      // Dice may repeat themselves; another throw counts, so this ends.
      const key = here.uniqueItems === true ? JSON.stringify(item) : null
      if (key !== null && seen.has(key)) continue
      if (key !== null) seen.add(key)
      made.push(item)
    }
    return made
  }
}

function pointedAt(root: unknown, ref: string, param: string): unknown {
  if (!ref.startsWith('#')) throw noSuch(ref, param)
  let node = root
  for (const step of ref.slice(1).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) throw noSuch(ref, param)
    node = (node as Schema)[name]
  }
  return node
}

/** Both schemas at once: properties and required ones add up, of anything else the second's word counts. */
function merged(first: Schema, second: unknown): Schema {
  if (!isSchema(second)) return first
  const both: Schema = { ...first, ...second }
  if (isSchema(first.properties) && isSchema(second.properties)) {
    both.properties = { ...first.properties, ...second.properties }
  }
  if (Array.isArray(first.required) && Array.isArray(second.required)) {
    both.required = [...first.required, ...second.required]
  }
  return both
}

/** The first one; deep down one that needs nothing further, if there is one. */
function alternative(alternatives: readonly unknown[], depth: number): unknown {
  const isLeaf = (node: unknown) =>
    isSchema(node) && !['$ref', 'allOf', 'anyOf', 'oneOf', 'properties', 'items'].some((key) => key in node)
  return depth < frugalDepth ? alternatives[0] : (alternatives.find(isLeaf) ?? alternatives[0])
}

function typeOf(here: Schema): unknown {
  if (Array.isArray(here.type)) return here.type[0]
  if (here.type !== undefined) return here.type
  if ('properties' in here || 'required' in here) return 'object'
  if ('items' in here || 'prefixItems' in here) return 'array'
  if ('minimum' in here || 'maximum' in here || 'multipleOf' in here) return 'number'
  return 'string'
}

function number(here: Schema, dice: Dice): number {
  const step = finite(here.multipleOf) ?? (here.type === 'integer' ? 1 : 0.5)
  const above = finite(here.exclusiveMinimum)
  const below = finite(here.exclusiveMaximum)
  const stated = Math.max(finite(here.minimum) ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY)
  const most = Math.min(finite(here.maximum) ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY)
  const least = stated > Number.NEGATIVE_INFINITY ? stated : Math.min(0, most - 100 * step)
  let first = Math.ceil(least / step)
  let last = Math.min(Math.floor(most / step), first + 100)
  if (above !== undefined && first * step <= above) first++
  if (below !== undefined && last * step >= below) last--
  // No multiple fits between narrow bounds: the middle does, for a number that need not be one.
  if (first > last) return Number.isFinite(most) ? (least + most) / 2 : least
  return (first + Math.floor(dice() * (last - first + 1))) * step
}

function text(here: Schema, dice: Dice): string {
  const least = Math.min(whole(here.minLength) ?? 0, stringCharsMax)
  const most = whole(here.maxLength) ?? stringCharsMax
  const format = typeof here.format === 'string' && Object.hasOwn(formats, here.format) ? formats[here.format] : null
  let made = format ?? pick(words, dice)
  while (made.length < least) made += ` ${pick(words, dice)}`
  return format === null ? made.slice(0, Math.max(most, 0)) : made
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function whole(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

function tooLarge(param: string): ProviderError {
  const message = `${param} has no instance within ${nodesMax} values and ${depthMax} levels: make it smaller`
  return new ProviderError(fault('invalid_request', message, { param }))
}

function noSuch(ref: string, param: string): ProviderError {
  return new ProviderError(
    fault('invalid_request', `${param} refers to ${ref.slice(0, 80)}, which is not in it`, { param }),
  )
}
