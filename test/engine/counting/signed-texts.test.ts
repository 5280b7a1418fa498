/** What a scout hashes of its answer is what the hub counts of it, whatever its lines look like. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import '../../support/law/seeded-properties.ts'
import { askedUnknown } from '../../../orchestrator/engine/answers/asked.ts'
import { AttemptStream } from '../../../orchestrator/engine/answers/attempt-stream.ts'
import { SpokenAnswer } from '../../../orchestrator/engine/counting/spoken-answer.ts'
import { answerHashOf } from '../../../shared/answers/answer-hash.ts'
import { HashedAnswer } from '../../../shared/answers/answer-texts.ts'
import { answerTextsMax } from '../../../shared/limits/ledger/ledger.ts'

const salt = new Uint8Array(16).fill(3)
const choices = 3
const served = { scout: 'op/s', provider: 'p', model: 'm' }

/** The hub's stream of one attempt, and its hash of what the client got. */
function streamed(lines: readonly string[]): Uint8Array | null {
  const asked = () => ({ ...askedUnknown, choices })
  const source = { requestBytes: 100, asked, counted: () => new SpokenAnswer(() => 0.5) }
  const stream = new AttemptStream(1, 1, served, true, 'chat', false, source)
  let offset = 0
  for (const [seq, line] of lines.entries()) {
    const body = Buffer.from(`${line}\n`)
    if (stream.take({ task: 1, attempt: 1, seq, offset }, body) !== null) return null
    offset += body.length
  }
  return answerHashOf(salt, stream.answerCount()!.texts)
}

function hashed(lines: readonly string[]): Uint8Array {
  const answer = new HashedAnswer()
  for (const line of lines) answer.line(line)
  return answerHashOf(salt, answer.end())
}

/** Halves of pairs, escapes, what is long, and plain words that make a template. */
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('word', ' more', '', '"quoted"', '\n', '\ud83d', '\ude00', 'é'.repeat(300)) },
  fc.string({ unit: 'binary' }),
)
const call = fc.record(
  { index: fc.nat({ max: 2 }), function: fc.record({ name: text, arguments: text }, { requiredKeys: [] }) },
  { requiredKeys: ['function'] },
)
const delta = fc.oneof(
  { weight: 5, arbitrary: fc.record({ content: text }) },
  fc.record({ refusal: text, reasoning: text, content: fc.option(text) }, { requiredKeys: [] }),
  fc.record({ tool_calls: fc.array(call, { maxLength: 3 }), content: text }, { requiredKeys: ['tool_calls'] }),
)
const choice = fc.record({ index: fc.nat({ max: choices - 1 }), delta })
const lines = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.tuple(choice) }, fc.tuple(choice, choice)).map((said) => {
    return JSON.stringify({ choices: said })
  }),
  { maxLength: 30 },
)

test('of a stream, however it is cut, escaped and mixed', () => {
  let taken = 0
  fc.assert(
    fc.property(lines, (said) => {
      const counted = streamed(said)
      if (counted === null) return
      taken++
      expect(Buffer.from(hashed(said))).toEqual(Buffer.from(counted))
    }),
  )
  expect(taken).toBeGreaterThan(20)
})

test('of more texts than count', () => {
  const many = Array.from({ length: answerTextsMax + 20 }, (_, index) => {
    const tool_calls = [{ index, function: { arguments: String(index) } }]
    return JSON.stringify({ choices: [{ index: 0, delta: { tool_calls } }] })
  })
  const counted = streamed(many)!
  expect(Buffer.from(hashed(many))).toEqual(Buffer.from(counted))
  expect(Buffer.from(hashed(many.slice(0, answerTextsMax)))).toEqual(Buffer.from(counted))
  expect(Buffer.from(hashed(many.slice(1)))).not.toEqual(Buffer.from(counted))
})
