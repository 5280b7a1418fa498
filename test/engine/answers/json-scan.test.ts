/** The scan takes what JSON.parse takes, within its bounds, and takes no more steps than there are bytes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import { answerDepthMax, answerFieldsMax } from '../../../shared/limits/answers.ts'
import '../../support/law/seeded-properties.ts'

const plenty = 1_000_000
const scan = new JsonScan()

function passes(document: string | Uint8Array, valuesMax = plenty): boolean {
  const bytes = typeof document === 'string' ? Buffer.from(document) : document
  if (!scan.begin(bytes, valuesMax)) return false
  scan.skip()
  return scan.end()
}

/** Whether JSON.parse takes it and no object in it names a field twice, judged by counting the names. */
function isJson(document: string): boolean {
  let names = 0
  try {
    const value = JSON.parse(document) as unknown
    count(value)
  } catch {
    return false
  }
  return names === namesIn(document)

  function count(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) names += Object.keys(value).length
    for (const inner of Object.values(value)) count(inner)
  }
}

/** A name is a text before a colon. */
function namesIn(document: string): number {
  const texts = document.match(/"(?:[^"\\]|\\.)*"(?:\s*:)?/g) ?? []
  return texts.filter((text) => text.endsWith(':')).length
}

const document = fc
  .tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t', '\n'))
  .map(([value, space]) => JSON.stringify(value, null, space))

const bit = fc.constantFrom(
  ...['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', 'E', '+', 't', 'null', 'true', ' ', '\n', '\\u00'],
  ...[
    '\u0000',
    '\u007f',
    '\\ud800',
    'é',
    '😀',
    '\ufeff',
    '\u00a0',
    '01',
    '1.',
    '.5',
    '"a":1',
    '"a":1,"a":1',
    '"\\u0061":1',
  ],
)
const mutated = fc
  .tuple(document, fc.array(fc.tuple(fc.nat(), fc.nat(2), bit), { maxLength: 3 }))
  .map(([text, changes]) =>
    changes.reduce((so, [at, cut, put]) => {
      const place = at % (so.length + 1)
      return so.slice(0, place) + put + so.slice(place + cut)
    }, text),
  )
  .filter((text) => text.isWellFormed())

test('agrees with JSON.parse on what is JSON', () => {
  fc.assert(
    fc.property(document, (text) => passes(text)),
    { numRuns: 500, seed: 11 },
  )
  let valid = 0
  let invalid = 0
  fc.assert(
    fc.property(mutated, (text) => {
      const expected = isJson(text)
      if (expected) valid++
      else invalid++
      expect(passes(text), text).toBe(expected)
    }),
    { numRuns: 20_000, seed: 12 },
  )
  expect(Math.min(valid, invalid)).toBeGreaterThan(1_000)
})

test('refuses bytes that are no UTF-8, wherever they are', () => {
  for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]]) {
    expect(passes(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bad), Buffer.from('"}')]))).toBe(false)
  }
})

describe('a field named twice', () => {
  test.each([
    ['plainly', '{"a":1,"a":2}'],
    ['with an escape', '{"ab":1,"\\u0061b":2}'],
    ['with two escapes', '{"\\u0061":1,"\\u0061":2}'],
    ['with another one between', '{"a":{"b":1},"c":[{"a":1}],"a":3}'],
    ['deep inside', '[[{"x":[{"a":1,"a":1}]}]]'],
    ['as nothing', '{"":1,"":2}'],
  ])('is refused %s', (_what, text) => {
    expect(passes(text)).toBe(false)
  })

  test('in two objects is none', () => {
    expect(passes('{"a":{"a":{"a":[{"a":1},{"a":1}]}},"b":{"a":1}}')).toBe(true)
  })
})

describe('bounds', () => {
  test('of depth: lists and objects, none of it by recursion', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
    expect(passes(nested(answerDepthMax))).toBe(true)
    expect(passes(nested(answerDepthMax + 2))).toBe(false)
    expect(passes('['.repeat(4_000_000))).toBe(false)
  })

  test('of fields in one object, and of values in all', () => {
    const wide = (fields: number) => `{${Array.from({ length: fields }, (_, at) => `"f${at}":1`).join()}}`
    expect(passes(wide(answerFieldsMax))).toBe(true)
    expect(passes(wide(answerFieldsMax + 1))).toBe(false)
    expect(passes('[1,1,1]', 4)).toBe(true)
    expect(passes('[1,1,1]', 3)).toBe(false)
  })

  test('of work: many wide objects of names that are alike are refused before they cost more than their bytes', () => {
    // Of one hash, so that each name has to be compared in full with all before it: "Aa" and "BB" are alike.
    const alike = Array.from({ length: 256 }, (_, at) =>
      [...at.toString(2).padStart(8, '0')].map((digit) => (digit === '0' ? 'Aa' : 'BB')).join(''),
    )
    const object = `{${alike.map((name) => `"${name}":1`).join()}}`
    expect(passes(`[${object}]`)).toBe(false)
    const few = `{${alike
      .slice(0, 40)
      .map((name) => `"${name}":1`)
      .join()}}`
    expect(passes(few)).toBe(true)
    expect(passes(`[${Array.from({ length: 1_000 }, () => few).join()}]`)).toBe(false)
  })
})

test('a walk along a structure reads what it knows, skips the rest, and ends where the document ends', () => {
  const names = new FieldNames(['data', 'größe'])
  const bytes = Buffer.from('{"skipped":[{"data":[9]}],"d\\u0061ta":[[1,2,3],"tw\\"o"],"größe":-12.5e1, "x": null} ')
  expect(scan.begin(bytes, plenty) && scan.enterObject()).toBe(true)
  const read: unknown[] = []
  while (scan.nextField()) {
    const field = scan.fieldIn(names)
    if (field === 0) {
      scan.enterList()
      while (scan.nextItem()) read.push(scan.text() ? scan.slice(scan.textStart, scan.textEnd) : scan.numbers())
    } else if (field === 1) read.push(scan.number())
    else {
      read.push(scan.isNull)
      scan.skip()
    }
  }
  expect(scan.end()).toBe(true)
  expect(read).toEqual([false, 3, 'tw\\"o', -125, true])
})

test('a number is what JSON.parse makes of it, and none when it is longer than any number of use', () => {
  const numberIn = (text: string) => (scan.begin(Buffer.from(text), plenty) ? scan.number() : Number.NaN)
  const texts = [
    '0',
    '-0',
    '7',
    '128',
    '999999999999999',
    '1000000000000000',
    '9007199254740993',
    '1.5',
    '2e3',
    '-12',
    '0e1',
  ]
  for (const text of texts) expect([text, numberIn(text)]).toEqual([text, JSON.parse(text)])
  fc.assert(
    fc.property(fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true })), (number) => {
      const text = JSON.stringify(number)
      expect(numberIn(text)).toBe(JSON.parse(text))
    }),
  )
  for (const text of ['9'.repeat(41), '"7"', '', '-']) expect([text, numberIn(text)]).toEqual([text, Number.NaN])
})
