/**
 * Checks a parsed body against a schema. A fault names the field and states its rule. The wording comes from the
 * schemas: `expects` attaches to each part of one the rule that it stands for ("must be a number from 0 to 2").
 */
import { z } from 'zod'
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { checkedPerTurn } from '../../../shared/limits/http.ts'

interface Finding {
  path: PropertyKey[]
  message: string
}

/** Error option of a schema: `rule` completes a sentence that begins with the field's name. */
export function expects(rule: string) {
  return { error: (issue: { input?: unknown }) => (issue.input === undefined ? `is required: it ${rule}` : rule) }
}

export const flag = z.boolean(expects('must be true or false')).nullish()

/** For what the hub passes on unread: which values make sense is the provider's to say, and its refusal comes back. */
export const anyNumber = z.number(expects('must be a number')).nullish()
export const anyInteger = z.int(expects('must be a whole number')).nullish()

export function numberFrom(min: number, max: number) {
  const rule = expects(`must be a number from ${min} to ${max}`)
  return z.number(rule).min(min, rule).max(max, rule).nullish()
}

export function integerFrom(min: number, max = Number.MAX_SAFE_INTEGER) {
  const bound =
    max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`
  const rule = expects(`must be ${bound}`)
  return z.int(rule).min(min, rule).max(max, rule).nullish()
}

export function textUpTo(charsMax: number) {
  const rule = expects(`must be a string of 1 to ${charsMax} characters`)
  return z.string(rule).min(1, rule).max(charsMax, rule)
}

/**
 * A list that is checked up to its first bad element. Zod's own list collects every issue, which a hostile body of
 * millions of bad elements would turn into gigabytes.
 */
export function listOf(item: z.ZodType, rule: string, countMax?: number) {
  const list = z.array(z.unknown(), expects(rule)).superRefine((elements, context) => {
    for (const [index, element] of elements.entries()) {
      if (slice?.isChecked(element, item) === true) continue
      const finding = check(item, element)
      if (finding === null) {
        slice?.checked(element, item)
        continue
      }
      context.addIssue({ code: 'custom', path: [index, ...finding.path], message: finding.message })
      return
    }
  })
  const bounded = countMax === undefined ? list : list.max(countMax, expects(rule))
  const { $schema: _, ...items } = z.toJSONSchema(item, { io: 'input', unrepresentable: 'any' })
  return bounded.meta({ items })
}

/** Ends one slice of a check, through the schemas that are under way. */
const pause = new Error('the check goes on in another turn')

/** One check in slices: which elements of its lists are as they must be, and how many this slice may still look at. */
class Slice {
  private readonly known = new WeakMap<object, z.ZodType>()
  private left = 0

  begin(): void {
    this.left = checkedPerTurn
  }

  /** Whether an earlier slice has checked it. Every other object counts, before it is looked at. */
  isChecked(element: unknown, item: z.ZodType): boolean {
    // Quickly checked, and nothing that could be remembered.
    if (!isObject(element)) return false
    if (this.known.get(element) === item) return true
    if (this.left-- <= 0) throw pause
    return false
  }

  checked(element: unknown, item: z.ZodType): void {
    if (isObject(element)) this.known.set(element, item)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The check in slices that is under way in this turn. */
let slice: Slice | null = null

/** What `refusal` says, found in steps of which each looks at a bounded number of elements of lists. */
export function* refusalInSteps(schema: z.ZodType, value: unknown): Generator<void, Fault | null> {
  const own = new Slice()
  for (;;) {
    own.begin()
    slice = own
    try {
      return refusal(schema, value)
    } catch (error) {
      if (error !== pause) throw error
    } finally {
      slice = null
    }
    yield
  }
}

/** The fault of `value` under `schema`, or null when it is as it must be. */
export function refusal(schema: z.ZodType, value: unknown): Fault | null {
  const finding = check(schema, value)
  if (finding === null) return null
  const param = plainMessage(fieldName(finding.path))
  return fault('invalid_request', plainMessage(`\`${param}\` ${finding.message}.`), { param })
}

function check(schema: z.ZodType, value: unknown): Finding | null {
  const result = schema.safeParse(value)
  return result.success ? null : findingOf(result.error.issues[0]!)
}

/** Inside a union, the branch that got furthest is the one the sender meant. */
function findingOf(issue: z.core.$ZodIssue): Finding {
  if (issue.code === 'unrecognized_keys') {
    return { path: [...issue.path, issue.keys[0]!], message: 'is not known here: remove it' }
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(findingOf)
    const furthest = inner.reduce<Finding | null>((best, next) => (depth(next) > depth(best) ? next : best), null)
    if (furthest !== null) return { path: [...issue.path, ...furthest.path], message: furthest.message }
  }
  return { path: issue.path, message: issue.message }
}

function depth(finding: Finding | null): number {
  return finding === null ? 0 : finding.path.length
}

/** `['messages', 0, 'role']` as `messages[0].role`. */
function fieldName(path: PropertyKey[]): string {
  let name = ''
  for (const step of path) name += typeof step === 'number' ? `[${step}]` : `${name && '.'}${String(step)}`
  return name
}
