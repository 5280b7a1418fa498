/** What a stream keeps of the frames it came in: no more than the lines that wait. */
import { expect, test } from 'vitest'
import { askedUnknown } from '../../../orchestrator/engine/answers/asked.ts'
import { AttemptStream } from '../../../orchestrator/engine/answers/attempt-stream.ts'
import { streamedAnswerBytesMax } from '../../../shared/limits/answers.ts'
import { bytesOf, deltaLine, finishLine, roleLine } from '../../support/hub/engine-bench.ts'

const request = { requestBytes: 100, asked: () => askedUnknown }

function stream(): AttemptStream {
  return new AttemptStream(1, 1, { scout: 's', provider: 'p', model: 'm' }, true, 'chat', false, request)
}

/** A view into a frame of 64 KiB, as a decoded body is. */
function framed(text: string): Uint8Array {
  const frame = new Uint8Array(64 * 1024)
  return frame.subarray(0, new TextEncoder().encodeInto(text, frame).written)
}

test('a small withheld line does not keep its frame alive', () => {
  const one = stream()
  const prelude = framed(`${roleLine}\n`)
  expect(one.take({ task: 1, attempt: 1, seq: 0, offset: 0 }, prelude)).toBeNull()
  const closing = framed(`${deltaLine('x')}\n${finishLine}\n`)
  expect(one.take({ task: 1, attempt: 1, seq: 1, offset: prelude.length }, closing)).toBeNull()
  const [role] = one.takeReleased()
  const [finish] = one.end().slice(-1)
  expect(role).toEqual(bytesOf(roleLine))
  expect(role!.buffer.byteLength).toBe(role!.length)
  expect(finish!.buffer.byteLength).toBe(finish!.length)
})

test('lines are handed out once', () => {
  const one = stream()
  const body = bytesOf(`${deltaLine('x')}\n${deltaLine('y')}\n`)
  expect(one.take({ task: 1, attempt: 1, seq: 0, offset: 0 }, body)).toBeNull()
  expect(one.takeReleased().length).toBe(2)
  expect(one.takeReleased()).toEqual([])
})

test('an answer that never ends is cut at its bound, however many lines it has had', () => {
  const one = stream()
  const body = bytesOf(`${deltaLine('x'.repeat(1_000))}\n`)
  // As after many lines: to send all of them would take a second.
  const last = streamedAnswerBytesMax - body.length
  Object.assign(one, { seq: 7, offset: last })
  expect(one.take({ task: 1, attempt: 1, seq: 7, offset: last }, body)).toBeNull()
  const next = { task: 1, attempt: 1, seq: 8, offset: streamedAnswerBytesMax }
  expect(one.take(next, body)).toMatchObject({ code: 'answer_too_large' })
})
