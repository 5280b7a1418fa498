import { describe, expect, test } from 'vitest'
import { diceOf } from '../../scout/providers/demo/dice.ts'
import { instanceOf } from '../../scout/providers/demo/schema.ts'
import { failure } from '../support/providers/provider-calls.ts'

function make(schema: unknown, seed = 1): unknown {
  return JSON.parse(JSON.stringify(instanceOf(schema, diceOf(seed), 'schema')))
}

const person = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }

describe('instances of a schema', () => {
  test.each([
    ['const', { const: { a: 1 } }, (made: unknown) => expect(made).toEqual({ a: 1 })],
    ['enum', { enum: ['x', 'y'] }, (made: unknown) => expect(['x', 'y']).toContain(made)],
    ['null', { type: 'null' }, (made: unknown) => expect(made).toBeNull()],
    ['the first of several types', { type: ['integer', 'null'] }, (made: unknown) => expect(made).toBeTypeOf('number')],
    ['anyOf, its first', { anyOf: [person, { type: 'null' }] }, (made: unknown) => expect(made).toHaveProperty('name')],
    ['a format', { type: 'string', format: 'date' }, (made: unknown) => expect(made).toMatch(/^\d{4}-\d\d-\d\d$/)],
    ['no schema at all', true, (made: unknown) => expect(made).toBeTypeOf('string')],
    [
      'a property of any name',
      { required: ['__proto__'] },
      (made: unknown) => expect(Object.hasOwn(made as object, '__proto__')).toBe(true),
    ],
  ])('follow %s', (_name, schema, check) => check(make(schema)))

  test.each([
    [{ type: 'integer', minimum: 3, maximum: 4 }, 3, 4],
    [{ type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 5 }, 4, 4],
    [{ type: 'number', minimum: 0.2, maximum: 0.3 }, 0.2, 0.3],
    [{ type: 'integer', maximum: -10 }, -200, -10],
    [{ type: 'integer', multipleOf: 7, minimum: 20, maximum: 30 }, 21, 28],
  ])('keep numbers within %j', (schema, least, most) => {
    for (let seed = 0; seed < 50; seed++) {
      const made = make(schema, seed) as number
      expect(made).toBeGreaterThanOrEqual(least)
      expect(made).toBeLessThanOrEqual(most)
      if (schema.type === 'integer') expect(Number.isInteger(made)).toBe(true)
    }
  })

  test('keep strings and lists as long as asked', () => {
    expect((make({ type: 'string', minLength: 30, maxLength: 31 }) as string).length).toBeGreaterThanOrEqual(30)
    expect((make({ type: 'string', maxLength: 2 }) as string).length).toBe(2)
    expect(make({ type: 'array', items: person, minItems: 3 })).toHaveLength(3)
    const unique = make({ type: 'array', items: { enum: [1, 2, 3] }, minItems: 3, uniqueItems: true }) as number[]
    expect(unique.sort()).toEqual([1, 2, 3])
    expect(make({ prefixItems: [{ const: 'a' }, { const: 'b' }] })).toEqual(['a', 'b'])
  })

  test('follow references and merge allOf, also when both refer', () => {
    const schema = {
      $defs: { person, aged: { properties: { age: { type: 'integer' } }, required: ['age'] } },
      allOf: [{ $ref: '#/$defs/person' }, { $ref: '#/$defs/aged' }],
    }
    const made = make(schema) as Record<string, unknown>
    expect(made.name).toBeTypeOf('string')
    expect(made.age).toBeTypeOf('number')
  })

  test('end where a schema refers to itself', () => {
    const tree = {
      type: 'object',
      properties: { value: { type: 'integer' }, children: { type: 'array', items: { $ref: '#' } } },
      required: ['value', 'children'],
    }
    const list = {
      type: 'object',
      properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
      required: ['next'],
    }
    expect(make(tree)).toHaveProperty('children')
    expect(make(list)).toHaveProperty('next')
  })

  test('are refused, in bounded time, when there is no small one', async () => {
    const hostile = [
      { $ref: '#' },
      { type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] },
      { allOf: [{ $ref: '#' }, { $ref: '#' }] },
      { type: 'array', minItems: 1_000_000_000, items: { type: 'string' } },
      { type: 'array', minItems: 3, uniqueItems: true, items: { const: 1 } },
      { $ref: '#/nowhere' },
      { $ref: 'https://example.com/schema' },
    ]
    for (const schema of hostile) {
      const fault = await failure((async () => make(schema))())
      expect(fault).toMatchObject({ code: 'invalid_request', param: 'schema' })
    }
  })
})
