import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkContract, schemaFlaw } from '../../orchestrator/planner/contract/contract.ts'
import { regexFlaw } from '../../orchestrator/planner/contract/regex-safety.ts'

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
      'more than 1000 parts',
    ],
    ['references that fan out', { ...ref('d0'), $defs: { ...fan, d9: {} } }, 'more than 1000 parts'],
    ['one that refers to itself', { ...ref('a'), $defs: { a: { anyOf: [ref('a'), ref('a')] } } }, 'refers to itself'],
    ['a reference to somewhere else', { $ref: 'https://example.com/schema' }, 'does not lead into its own'],
    ['a reference to the root', { items: { $ref: '#' } }, 'does not lead into its own'],
    ['a reference to nothing', ref('none'), 'is not in it'],
    ['a dynamic reference', { $dynamicRef: '#x' }, 'uses $dynamicRef'],
    ['a pattern that is none', { pattern: '(' }, 'is not a regular expression'],
    ['a pattern that runs away', { properties: { const: { pattern: '(a+)+$' } } }, 'repeats a group'],
    ['a name that runs away', { patternProperties: { 'a*b*c*d*$': {} } }, 'too many ways'],
    ['many patterns', { allOf: Array.from({ length: 11 }, () => ({ pattern: '^a' })) }, 'more than 1000 parts'],
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
  ['(a|b)*', 'repeats a group'],
  ['(a){1,2}', 'repeats a group'],
  ['^(?:a?){30}', 'repeats a group'],
  [`^${'a?'.repeat(17)}`, 'too many ways'],
  [`^${'(a|a)'.repeat(12)}`, 'too many ways'],
  ['^a{0,64}b{0,64}c{0,64}d', 'too many ways'],
  ['a*b*', 'too many ways'],
  ['^a*b*', null],
  ['a*b', null],
  ['^\\w+-\\w+$', null],
  ['a+b+c+', 'too many ways'],
  ['(?=a)', 'looks around'],
  ['(?<!a)b', 'looks around'],
  ['(a)\\1', 'refers back'],
  ['(?<x>a)\\k<x>', 'refers back'],
  ['(?<x>a)b', null],
  ['[(]+', null],
  ['^[\\]+*]{2,9}\\(x\\)?$', null],
  ['[', 'is not a regular expression'],
])('the pattern %s is judged', (pattern, words) => {
  if (words === null) expect(regexFlaw(pattern)).toBeNull()
  else expect(regexFlaw(pattern)).toContain(words)
})

test('random patterns that are let through are ones the platform understands, and are counted to the end', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '.',
    '\\w',
    '[a-c]',
    '(',
    ')',
    '|',
    '*',
    '+',
    '?',
    '{2,5}',
    '^',
    '$',
    '\\(',
    '(?:',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const pattern = pieces.join('')
      if (regexFlaw(pattern) === null) expect(() => new RegExp(pattern)).not.toThrow()
    }),
    { numRuns: 3_000, seed: 11 },
  )
})
