import Ajv from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test, vi } from 'vitest'
import { checkContract, checkSteps, schemaFlaw } from '../../orchestrator/planner/contract/contract.ts'
import { patternCost, searchFor, TooManySteps, withSteps } from '../../orchestrator/planner/contract/pattern.ts'
import { schemaCost } from '../../orchestrator/planner/contract/schema-judge.ts'
import { patternStepsMax } from '../../shared/limits/planner.ts'
import '../support/law/seeded-properties.ts'

const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, at) => make(at))
const object = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) })
const nested = (levels: number): object => (levels === 0 ? {} : { items: nested(levels - 1) })
const fan = Object.fromEntries(
  Array.from({ length: 9 }, (_, at) => [`d${at}`, { anyOf: [ref(`d${at + 1}`), ref(`d${at + 1}`)] }]),
)

function ref(name: string): object {
  return { $ref: `#/$defs/${name}` }
}

describe('schemas that are refused', () => {
  test.each([
    ['no object', [], 'must be a JSON schema'],
    ['one that is too long', { const: 'x'.repeat(40_000) }, 'is longer than 32768 characters'],
    ['one nested too deeply', nested(40), 'more than 32 levels deep'],
    [
      'one with too many parts',
      object(Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`p${at}`, {}]))),
      'more than 500 parts',
    ],
    ['references that fan out', { ...ref('d0'), $defs: { ...fan, d9: {} } }, 'more than 500 parts'],
    ['one that refers to itself', { ...ref('a'), $defs: { a: { anyOf: [ref('a'), ref('a')] } } }, 'refers to itself'],
    ['a reference to somewhere else', { $ref: 'https://example.com/schema' }, 'does not lead into its own'],
    ['a reference to the root', { items: { $ref: '#' } }, 'does not lead into its own'],
    ['a reference to nothing', ref('none'), 'is not in it'],
    ['a dynamic reference', { $dynamicRef: '#x' }, 'uses $dynamicRef'],
    ['a pattern that is none', { pattern: '(' }, 'is not a regular expression'],
    ['a pattern that repeats too much', { properties: { const: { pattern: '(a{30}){30}$' } } }, 'repeats too much'],
    ['a name that repeats too much', { patternProperties: { '(a{30}){30}$': {} } }, 'repeats too much'],
    ['many patterns', { allOf: Array.from({ length: 11 }, () => ({ pattern: '^a' })) }, 'more than 500 parts'],
    ['a word that changes how it is run', { $async: true }, 'uses $async'],
    ['an id in the old way', { items: { id: 'x' } }, 'uses id'],
    ['nothing that could be null', { nullable: true }, 'uses `nullable`'],
    ['a loop that no reference reaches', { $defs: { a: { items: ref('a') } } }, 'refers to itself'],
    ['unbounded unique items', { uniqueItems: true }, '`uniqueItems` without'],
    ['a type that does not exist', { type: 'text' }, 'cannot be used'],
  ])('%s', (_, schema, words) => {
    expect(schemaFlaw(schema)).toContain(words)
  })
})

test('ordinary schemas are accepted, also with definitions, old dialects and formats', () => {
  const steps = { type: 'array', items: ref('step'), maxItems: 9, uniqueItems: true }
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...object({ steps, when: { type: 'string', format: 'date' }, code: { pattern: '^[A-Z]{2}-\\d+$' } }),
    $defs: { step: object({ $id: { type: 'string' } }) },
  }
  expect(schemaFlaw(schema)).toBeNull()
  const answer = { steps: [{ $id: 'a' }], when: 'soon', code: 'AB-12' }
  expect(checkContract({ type: 'json', schema }, JSON.stringify(answer))).toBeNull()
  expect(
    checkContract({ type: 'json', schema }, `Here it is:\n\`\`\`json\n${JSON.stringify(answer)}\n\`\`\``),
  ).toBeNull()
  expect(checkContract({ type: 'json', schema }, JSON.stringify({ ...answer, code: 'ab' }))).toContain(
    '/code must match pattern',
  )
  expect(checkContract({ type: 'json', schema }, 'Sure!')).toContain('not JSON')
  expect(checkContract({ type: 'json', schema: {} }, `"${'x'.repeat(300_000)}"`)).toContain('answer shorter')
})

test('a pattern never matches a text that is too long for it', () => {
  const contract = { type: 'json', schema: { pattern: '^a+$' } } as const
  expect(schemaFlaw(contract.schema)).toBeNull()
  expect(checkContract(contract, `"${'a'.repeat(256)}"`)).toBeNull()
  expect(checkContract(contract, `"${'a'.repeat(257)}"`)).toContain('must match pattern')
})

test.each([
  ['(a|b)*', null],
  ['(a){1,2}', null],
  ['^(?:a?){30}', null],
  ['(a+)+$', null],
  ['((a?)*)*b', null],
  ['a*b*c*d*$', null],
  [`^${'(a|a)'.repeat(12)}`, null],
  ['^a{0,64}b{0,64}c{0,64}d', null],
  ['^a{0,99}b{0,99}c{0,99}d', 'repeats too much'],
  ['(a{100}){100}', 'repeats too much'],
  ['((((a{9}){9}){9}){9}){9}', 'repeats too much'],
  ['\\p{L}{64}', 'repeats too much'],
  ['^\\p{L}+$', null],
  ['^[a-z0-9-]{1,63}$', null],
  ['^.{1,250}$', null],
  ['(?=a)', 'looks around'],
  ['(?<!a)b', 'looks around'],
  ['(a)\\1', 'refers back'],
  ['(?<x>a)\\k<x>', 'refers back'],
  ['(?i:a)', 'sets flags'],
  ['(?<x>a)b', null],
  ['[(]+', null],
  ['^[\\]+*]{2,9}\\(x\\)?$', null],
  ['^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', null],
  ['[', 'is not a regular expression'],
])('the pattern %s is judged', (pattern, words) => {
  if (words === null) expect(patternCost(pattern)).toHaveProperty('size')
  else expect(patternCost(pattern)).toContain(words)
})

test('random patterns cost at most what they were judged to, and find what the platform finds', () => {
  const piece = fc.constantFrom(
    ...['a', 'b', '.', '\\w', '[a-c]', '(', ')', '|', '*', '+', '?', '{2,5}', '{3}', '^', '$', '\\(', '(?:'],
  )
  let judged = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.stringMatching(/^[abc(]{0,8}$/), (pieces, text) => {
      const pattern = pieces.join('')
      const cost = patternCost(pattern)
      if (typeof cost === 'string') return
      judged++
      // Their true size, by the engine's own word.
      expect(RE2JS.compile(RE2JS.translateRegExp(pattern)).programSize()).toBeLessThanOrEqual(cost.size)
      const found = withSteps(() => searchFor(pattern).test(text)).found
      expect(found).toBe(new RegExp(pattern, 'u').test(text))
    }),
    { numRuns: 3_000, seed: 11 },
  )
  expect(judged).toBeGreaterThan(300)
})

describe('a pattern stays off the platform wherever it hides', () => {
  const evil = { pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' }
  const text = 'a'.repeat(200)
  const places: [string, object, unknown][] = [
    ['under a dependency called default', { dependencies: { default: evil } }, { default: text }],
    ['under a dependency called const', { dependencies: { const: { additionalProperties: evil } } }, { const: text }],
    ['under a dependency called $defs', { dependencies: { $defs: { properties: { $defs: evil } } } }, { $defs: text }],
    ['under a dependent schema', { dependentSchemas: { enum: { properties: { enum: evil } } } }, { enum: text }],
    ['in a definition', { ...ref('default'), $defs: { default: evil } }, text],
    ['in a property called examples', { properties: { examples: evil } }, { examples: text }],
    ['as the name of a property', { patternProperties: { [evil.pattern]: false } }, { [text]: 1 }],
    ['for names', { propertyNames: evil }, { [text]: 1 }],
    ['for what is left over', { unevaluatedProperties: evil }, { a: text }],
    ['in a condition', { if: evil, else: { type: 'number' } }, text],
    ['as a part that is contained', { contains: evil }, [text]],
  ]
  test.each(places)('%s', (_, schema, answer) => {
    const RegExpBefore = globalThis.RegExp
    const ran: string[] = []
    // The platform's expressions, with note of those that are run.
    class Watched extends RegExpBefore {
      override exec(searched: string) {
        if (this.source === evil.pattern) ran.push(searched)
        return super.exec(searched)
      }
    }
    globalThis.RegExp = Watched as RegExpConstructor
    try {
      expect(schemaFlaw(schema)).toBeNull()
      checkContract({ type: 'json', schema }, JSON.stringify(answer))
    } finally {
      globalThis.RegExp = RegExpBefore
    }
    expect(ran).toEqual([])
  })

  test.each([
    ['data', { $ref: '#/$defs/a/const', $defs: { a: { const: evil } } }],
    ['an unknown word', { $ref: '#/x/y', x: { y: evil } }],
    ['an escaped escape', { $ref: '#/$defs/a%252Fb', $defs: { 'a%2Fb': {}, 'a/b': evil } }],
    ['a property', { $ref: '#/properties/a', properties: { a: evil } }],
  ])('a reference does not lead into %s', (_, schema) => {
    expect(schemaFlaw(schema)).toContain('does not lead into its own')
  })
})

describe('what a check may cost', () => {
  test('all searches in one answer share their steps', () => {
    const contract = { type: 'json', schema: { items: { pattern: '^([ab]?[bc]?)*d$' } } } as const
    expect(schemaFlaw(contract.schema)).toBeNull()
    expect(checkContract(contract, JSON.stringify(many(9, () => 'abcd')))).toBeNull()
    expect(checkContract(contract, JSON.stringify(many(999, () => `${'abc'.repeat(60)}d`)))).toContain('can be checked')
    const { size } = patternCost('a') as { size: number }
    expect(withSteps(() => searchFor('a').test('bbb')).steps).toBe(4 * size)
    const all = () => withSteps(() => many(patternStepsMax, () => searchFor('a').test('b')))
    expect(all).toThrow(TooManySteps)
  })

  test('an answer of many values is not checked against a schema of many parts', () => {
    const schema = { items: { anyOf: many(200, () => ({ type: 'string' })) } }
    expect(schemaFlaw(schema)).toBeNull()
    const contract = { type: 'json', schema } as const
    expect(checkContract(contract, JSON.stringify(many(20, () => 'x')))).toBeNull()
    expect(checkContract(contract, JSON.stringify(many(100_000, () => 0)))).toContain('can be checked')
    expect(checkSteps([1, { a: 'x'.repeat(79) }], 80, 10)).toBe(10 * (4 + 10))
  })

  test('every word, name and possible comparison is a part', () => {
    expect(schemaCost({})).toBe(1)
    expect(schemaCost({ description: 'x', examples: [1, 2] })).toBe(1)
    expect(schemaCost({ type: 'object', unevaluatedProperties: false })).toBe(4 * 3)
    expect(schemaCost({ type: 'string', maxLength: 3 })).toBe(3)
    expect(schemaCost({ required: ['a', 'b'], enum: [1, 2, 3] })).toBe(8)
    expect(schemaCost(object({ a: { type: 'string' }, b: {} }))).toBe(1 + 1 + 2 + 1 + 3)
    expect(schemaCost({ uniqueItems: true, maxItems: 400 })).toBe(403)
    expect(schemaCost({ allOf: [ref('a'), ref('a')], $defs: { a: { type: 'null' } } })).toBe(1 + 2 * 3)
  })

  test('a schema is compiled with the first answer, and once', () => {
    const schema = object(Object.fromEntries(many(60, (at) => [`lazy${at}`, { type: 'string' }])))
    const compile = vi.spyOn(Ajv.prototype, 'compile')
    try {
      expect(schemaFlaw(schema)).toBeNull()
      expect(compile).not.toHaveBeenCalled()
      checkContract({ type: 'json', schema }, '{}')
      checkContract({ type: 'json', schema: structuredClone(schema) }, '{}')
      expect(compile).toHaveBeenCalledTimes(1)
    } finally {
      compile.mockRestore()
    }
  })

  test('a schema that was stored before a bound was set breaks its contract, and is not compiled', () => {
    const contract = { type: 'json', schema: { allOf: many(2_000, () => ({ type: 'string' })) } } as const
    expect(checkContract(contract, '"x"')).toContain('more than 500 parts')
  })
})
