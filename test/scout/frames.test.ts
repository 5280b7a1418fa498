/** What a scout builds of the texts and numbers of services, handlers and operators, against the hub's own table. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Session, type SessionOutput } from '../../scout/core/session.ts'
import { AttemptOutput } from '../../scout/tasks/attempt-output.ts'
import { ProviderAttempts } from '../../scout/tasks/provider-attempts.ts'
import { done, type Settlement, settlementOf } from '../../scout/tasks/settlement.ts'
import { type FaultCode, fault, faultTable } from '../../shared/faults.ts'
import {
  bodyBytesMax,
  concurrencyMax,
  frameBytesMax,
  modelCharsMax,
  offersMax,
  requestBodyBytesMax,
} from '../../shared/limits/wire.ts'
import { decodeFromScout, encode, flawIn } from '../../shared/protocol/codec.ts'
import { type FrameOf, nonceBytes, type ScoutFrame } from '../../shared/protocol/frames.ts'
import { offersThatFit, packOffers } from '../../shared/protocol/offers.ts'
import { offerOf, outcomes } from '../../shared/task.ts'
import '../support/law/seeded-properties.ts'

const codes = Object.keys(faultTable) as FaultCode[]
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 2_000 }),
  fc.string({ unit: fc.constantFrom('\ud83d', '\u20ac', '\n', '\u0000'), minLength: 480, maxLength: 600 }),
)
const anyFault = fc.record({
  code: fc.constantFrom(...codes),
  message: anyText,
  param: anyText,
  retryAfterMs: fc.oneof(fc.double(), fc.constant(undefined)),
})
const nonce = new Uint8Array(nonceBytes)

/** Asserts that the hub takes the frame: field by field, and as the message that it becomes. */
function accepted(frame: ScoutFrame): void {
  expect(flawIn(frame)).toBeNull()
  const message = Buffer.from(encode(frame))
  expect(message.length).toBeLessThanOrEqual(frameBytesMax)
  expect(decodeFromScout(message).type).toBe(frame.type)
}

/** Every frame of an attempt with these lines and this settlement. */
function sendAll(output: AttemptOutput, lines: readonly string[], settlement: Settlement): void {
  for (const line of lines) output.line(line)
  output.settle(settlement, 0)
  while (output.busy) accepted(output.take())
  expect(output.phase).toBe('sent')
}

describe('the hub takes every frame of this scout', () => {
  test('whatever the cause of a failure holds', () => {
    fc.assert(
      fc.property(fc.constantFrom(...outcomes), anyFault, (outcome, cause) => {
        sendAll(
          new AttemptOutput(1, 1, nonce),
          [],
          settlementOf(outcome, fault(cause.code, cause.message, cause as object)),
        )
      }),
    )
  })

  test('after any number of failed providers', () => {
    fc.assert(
      fc.property(fc.array(anyFault, { maxLength: 5 }), fc.boolean(), (causes, begun) => {
        const attempts = new ProviderAttempts('m'.repeat(modelCharsMax))
        for (const cause of causes) attempts.failed(fault(cause.code, cause.message, cause as object))
        sendAll(new AttemptOutput(1, 1, nonce), [], attempts.settlement(begun))
      }),
    )
  })

  test('for answers and lines of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(70_000), { maxLength: 20 }), fc.nat(100_000), (lengths, length) => {
        const output = new AttemptOutput(2 ** 53 - 1, 1_000, nonce)
        output.asked('p', false)
        sendAll(
          output,
          lengths.map((chars) => '\u20ac'.repeat(chars / 3)),
          done('x'.repeat(length)),
        )
      }),
      { numRuns: 30 },
    )
  })

  test('for the largest answer, and one byte more becomes a failure', () => {
    sendAll(new AttemptOutput(1, 1, nonce), [], done('x'.repeat(bodyBytesMax)))
    expect(done('x'.repeat(bodyBytesMax + 1))).toMatchObject({ outcome: 'failed', fault: 'answer_too_large' })
  })

  test('in a hello with the longest names, all leases held, and as many offers as fit', () => {
    const wide = (count: number) => '\u20ac'.repeat(count)
    const requestBytesMax = requestBodyBytesMax
    const long = Array.from({ length: offersMax }, (_, i) =>
      offerOf({ kind: 'embed', model: `${i}${wide(120)}`, provider: wide(64), about: wide(160), requestBytesMax }),
    )
    const short = long.map((offer, i) => ({ ...offer, model: `m${i}`, provider: 'p', about: '' }))
    for (const offers of [long, short]) {
      const held: FrameOf<'hello'>['held'] = Array.from({ length: concurrencyMax }, () => [2 ** 53 - 1, 1_000, nonce])
      const hello = {
        name: wide(64),
        instance: 'i'.repeat(16),
        agent: wide(64),
        concurrency: concurrencyMax,
        offers: packOffers(offersThatFit(offers)),
        held,
      }
      const session = new Session(0)
      const out: SessionOutput[] = []
      session.step({ type: 'tick' }, { nowMs: 0, random: 0, out })
      session.step({ type: 'opened', hello }, { nowMs: 0, random: 0, out })
      for (const output of out) if (output.type === 'send') accepted(output.frame)
    }
    expect(offersThatFit(short)).toHaveLength(offersMax)
  })

  test('in a drain with any reason', () => {
    const welcome: FrameOf<'welcome'> = {
      type: 'welcome',
      version: 1,
      epoch: 1,
      scout: '',
      heartbeatMs: 1,
      silenceMs: 1,
      leaseTtlMs: 1,
      creditMax: 1,
      held: [],
    }
    const hello = { name: 'n', instance: 'i', agent: '', concurrency: 1, offers: [], held: [] }
    fc.assert(
      fc.property(anyText, (reason) => {
        const session = new Session(0)
        const out: SessionOutput[] = []
        const moment = { nowMs: 0, random: 0, out }
        session.step({ type: 'tick' }, moment)
        session.step({ type: 'opened', hello }, moment)
        session.step({ type: 'frame', frame: welcome }, moment)
        session.step({ type: 'drain', reason }, moment)
        expect(session.phase).toBe('draining')
        for (const output of out) if (output.type === 'send') accepted(output.frame)
      }),
    )
  })
})
