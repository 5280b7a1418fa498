/**
 * Arbitrary valid frames, derived from the frame table itself: a frame or field added there is covered at once. Lists
 * are the exception, since a list's field does not tell its members.
 */
import fc from 'fast-check'
import { hubUrlCharsMax } from '../../../shared/limits/cluster/roster.ts'
import {
  aboutCharsMax,
  attemptNumberMax,
  concurrencyMax,
  durationMsMax,
  modelCharsMax,
  nameCharsMax,
  offersMax,
  welcomeHubsMax,
} from '../../../shared/limits/wire.ts'
import type { Field } from '../../../shared/protocol/fields.ts'
import { type Frame, type FrameType, frameTable, nonceBytes } from '../../../shared/protocol/frames.ts'
import { heldVerdicts, taskKinds, verdicts } from '../../../shared/task.ts'
import '../law/seeded-properties.ts'

export const frameTypes = Object.keys(frameTable) as FrameType[]

export function fieldsOf(type: FrameType): [name: string, field: Field<unknown>][] {
  return Object.entries(frameTable[type].fields)
}

const count = fc.oneof(fc.nat(300), fc.maxSafeNat())
const attempt = fc.nat(attemptNumberMax)
const nonce = fc.uint8Array({ minLength: nonceBytes, maxLength: nonceBytes })
const durationMs = fc.nat(durationMsMax)
const acks = fc.array(fc.tuple(count, attempt, fc.constantFrom(...verdicts)), { maxLength: concurrencyMax })
const price = fc.option(count)
const offer = [
  fc.constantFrom(...taskKinds),
  named(modelCharsMax),
  named(nameCharsMax),
  count,
  fc.nat(255),
  price,
  price,
  printable(0, aboutCharsMax),
] as const
// Its last member may be left out.
const offers = fc.array(fc.oneof(fc.tuple(...offer), fc.tuple(...offer, count)), { maxLength: offersMax })

const lists: Record<string, fc.Arbitrary<unknown>> = {
  'hello.offers': offers,
  'offers.offers': offers,
  'hello.held': fc.array(fc.tuple(count, attempt, nonce), { maxLength: concurrencyMax }),
  'welcome.held': fc.array(fc.tuple(count, attempt, fc.constantFrom(...heldVerdicts), count), {
    maxLength: concurrencyMax,
  }),
  'settled.acks': acks,
  'task.acks': acks,
  'ping.acks': acks,
  'welcome.hubs': fc.array(fc.tuple(named(hubUrlCharsMax)), { maxLength: welcomeHubsMax }),
  'standing.paused': fc.array(fc.tuple(named(modelCharsMax), durationMs), { maxLength: offersMax }),
}

/** Without control characters, and without the byte order mark, which msgpackr drops at the front of long strings. */
function printable(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', minLength, maxLength }).map((s) =>
    s
      .replace(/[\p{Cc}\ufeff]/gu, '~')
      .slice(0, maxLength)
      .toWellFormed(),
  )
}

function named(charsMax: number): fc.Arbitrary<string> {
  return printable(1, charsMax)
}

/** Reads the bounds out of the sentence that the field would refuse a value with. */
function arbitraryOf(path: string, wants: string): fc.Arbitrary<unknown> {
  const list = lists[path]
  if (list !== undefined) return list
  if (wants.endsWith(', or null')) return fc.option(arbitraryOf(path, wants.slice(0, -', or null'.length)))
  const bound = Number(/\d+(?!.*\d)/.exec(wants)?.[0])
  if (wants === 'true or false') return fc.boolean()
  if (wants.startsWith('one of ')) return fc.constantFrom(...wants.slice('one of '.length).split(', '))
  if (wants.startsWith('a whole number'))
    return fc.oneof(fc.nat(Math.min(bound, 300)), fc.maxSafeNat(), fc.constant(bound)).map((n) => n % (bound + 1))
  if (wants.startsWith('text of at most')) return printable(0, bound)
  if (wants.startsWith('1 to ')) return named(bound)
  if (wants.startsWith('exactly')) return fc.uint8Array({ minLength: bound, maxLength: bound })
  if (wants.startsWith('at most')) return fc.uint8Array({ maxLength: Math.min(bound, 2_000) })
  throw new Error(`no arbitrary for ${path}, which must be ${wants}`)
}

export function arbitraryFrame(type: FrameType): fc.Arbitrary<Frame> {
  const fields = fieldsOf(type).map(([name, field]) => [name, arbitraryOf(`${type}.${name}`, field.wants)])
  return fc.record({ type: fc.constant(type), ...Object.fromEntries(fields) }) as unknown as fc.Arbitrary<Frame>
}
