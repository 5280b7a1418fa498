/**
 * A line that is like the one before it is judged by its text alone. The judgement must be that of the whole
 * inspection, whatever was done to the line; and ordinary streams must be judged so, or the template is of no use.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspectLine } from '../../../orchestrator/engine/answers/answer-check.ts'
import { askedUnknown } from '../../../orchestrator/engine/answers/asked.ts'
import { AttemptStream } from '../../../orchestrator/engine/answers/attempt-stream.ts'
import { Choices } from '../../../orchestrator/engine/answers/choices.ts'
import { LineTemplate } from '../../../orchestrator/engine/answers/line-template.ts'
import { lineTemplateBytesMax } from '../../../shared/limits/answers.ts'
import { bytesOf, deltaLine, finishLine, roleLine, textOf } from '../../support/hub/engine-bench.ts'
import '../../support/law/seeded-properties.ts'

const source = { requestBytes: 1_000, asked: () => ({ ...askedUnknown, choices: 3 }) }
const content = { hasContent: true, hasFinish: false }

/** Lines that differ in one text, as the services write them. */
const forms: Record<string, (text: string) => string> = {
  plain: (text) => `{"choices":[{"index":0,"delta":{"content":"${text}"},"finish_reason":null,"logprobs":null}]}`,
  'with fields around': (text) =>
    `{"fingerprint":"fp_é1","choices":[{"delta":{"role":"assistant","content":"${text}"},"index":0}],"usage":null}`,
  'of reasoning': (text) => `{"choices":[{"index":0,"delta":{"reasoning_content":"${text}","content":null}}]}`,
  'of a refusal': (text) => `{"choices":[{"index":0,"delta":{"refusal":"${text}"}}]}`,
  'of a choice that is not the first': (text) => `{"choices":[{"index":2,"delta":{"content":"${text}"}}]}`,
  'with space between': (text) => `{ "choices" : [ { "index" : 0 , "delta" : { "content" : "${text}" } } ] }`,
  'of as many names as a kept line can have': (text) => {
    const names = Array.from({ length: 100 }, (_, at) => `"${at.toString(36)}":1`)
    return `{"choices":[{"index":0,"delta":{"content":"${text}"}}],${names.join(',')}}`
  },
}

/** A template that has seen this line, and the choices of its stream. */
function taught(line: string) {
  const template = new LineTemplate()
  const choices = new Choices(source)
  expect(inspectLine(bytesOf(line), choices, template)).toEqual(content)
  return { template, choices }
}

function fullVerdict(line: Uint8Array, choices: Choices) {
  return inspectLine(line, choices, new LineTemplate())
}

/** The inside of a JSON text: anything, and what is close to an end of it or breaks a rule of it. */
const inside = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc
    .array(
      fc.constantFrom(
        ...['a', '"', '\\', '\\"', '\\\\', '\\u00e9', '\\u00', '\n', '\r', '\t', '\u0000', '\u007f', 'é'],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('"}},{"index":0,"delta":{"content":"', 'x","content":"y', '"}}]}\n{"choices":[{"index":0,"delta":{'),
)

const wound = fc.oneof(
  fc.record({ at: fc.nat(200), byte: fc.nat(255) }),
  fc.record({ at: fc.nat(200), cut: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ at: fc.nat(200), insert: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
)

function wounded(line: Uint8Array, wounds: ({ at: number } & { byte?: number; cut?: number; insert?: Uint8Array })[]) {
  let bytes = [...line]
  for (const { at: anywhere, byte, cut, insert } of wounds) {
    const at = anywhere % (bytes.length + 1)
    if (byte !== undefined) bytes[at] = byte
    else bytes = [...bytes.slice(0, at), ...(insert ?? []), ...bytes.slice(at + (cut ?? 0))]
  }
  return Uint8Array.from(bytes)
}

describe.each(Object.entries(forms))('a line %s', (_name, form) => {
  test('is recognized with any other text that is not empty', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
        const { template } = taught(form('one'))
        expect(template.fits(bytesOf(form(JSON.stringify(text).slice(1, -1))))).toBe(true)
      }),
    )
    const { template } = taught(form('one'))
    expect(template.fits(bytesOf(form('')))).toBe(false)
    expect(template.fits(bytesOf(form('x'.repeat(100_000))))).toBe(true)
  })

  test('is judged as by a whole inspection, however it was damaged', () => {
    fc.assert(
      fc.property(inside, inside, fc.array(wound, { maxLength: 2 }), (first, second, wounds) => {
        const { template, choices } = taught(form(`a${first.replace(/[^a-zé]/g, '')}`))
        const line = wounded(bytesOf(form(second)), wounds)
        if (template.fits(line)) expect(fullVerdict(line, choices)).toEqual(content)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('no line is kept', () => {
  const never: [string, string][] = [
    ['without content', roleLine],
    ['that ends a choice', '{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}'],
    ['of two choices', '{"choices":[{"index":0,"delta":{"content":"x"}},{"index":1,"delta":{"content":"y"}}]}'],
    ['of a tool call', '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}'],
    ['longer than is kept', deltaLine('x'.repeat(lineTemplateBytesMax))],
    ['that is no line', '{"choices":[{"index":0,"delta":{"content":"x"}}]'],
  ]
  test.each(never)('%s', (_what, text) => {
    const template = new LineTemplate()
    const line = bytesOf(text)
    inspectLine(line, new Choices(source), template)
    expect(template.fits(line)).toBe(false)
  })
})

test('before the first line nothing fits', () => {
  for (const line of ['', '{', deltaLine('x')]) expect(new LineTemplate().fits(bytesOf(line))).toBe(false)
})

test('a stream releases the same lines whether it recognizes them or not', () => {
  const lines = [
    ...[roleLine, deltaLine('a'), deltaLine('b'), deltaLine(''), deltaLine('"c" \u00e9'), finishLine],
    deltaLine('d'),
  ]
  const streamed = (chunks: string[]) => {
    const stream = new AttemptStream(1, 1, { scout: 's', provider: 'p', model: 'm' }, true, 'chat', false, source)
    let offset = 0
    for (const [seq, chunk] of chunks.entries()) {
      const body = bytesOf(chunk)
      expect(stream.take({ task: 1, attempt: 1, seq, offset }, body)).toBeNull()
      offset += body.length
    }
    return { tokens: stream.tokens, released: textOf(stream.takeReleased()), end: textOf(stream.end()) }
  }
  // In chunks of one line each the lines are recognized, in one chunk of all of them none is.
  const alone = streamed(lines.map((line) => `${line}\n`))
  expect(alone).toEqual(streamed([lines.map((line) => `${line}\n`).join('')]))
  expect(alone.tokens).toBe(4)
})
