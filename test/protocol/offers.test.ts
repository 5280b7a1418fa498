/** How large a request an offer takes, on the wire: a member that older scouts leave out, bounded whatever it says. */
import { expect, test } from 'vitest'
import { bodyBytesMax, requestBodyBytesMax } from '../../shared/limits/wire.ts'
import { type FrameOf, frameTable } from '../../shared/protocol/frames.ts'
import { packOffers, unpackOffers } from '../../shared/protocol/offers.ts'
import { offerOf } from '../../shared/task.ts'

type WireOffer = FrameOf<'offers'>['offers'][number]

const MiB = 1_048_576
const plain: WireOffer = ['chat', 'm', 'p', 0, 0, null, null, '']
const { offers } = frameTable.offers.fields

test('an offer comes back as it was packed, and says nothing of what every scout takes', () => {
  for (const requestBytesMax of [bodyBytesMax, 20 * MiB, requestBodyBytesMax]) {
    const offer = offerOf({ kind: 'chat', model: 'm', provider: 'p', about: 'a', requestBytesMax })
    const [packed] = packOffers([offer])
    expect(packed).toHaveLength(requestBytesMax === bodyBytesMax ? 8 : 9)
    expect(offers.accepts([packed])).toBe(true)
    expect(unpackOffers([packed!])).toEqual([offer])
  }
})

test.each([
  ['without it', [], bodyBytesMax],
  ['with less than every scout takes', [5], bodyBytesMax],
  ['with more than a frame can name', [Number.MAX_SAFE_INTEGER], requestBodyBytesMax],
  ['with a part of a MiB', [20_000_000], 19 * MiB],
  ['with members of a later version behind it', [8 * MiB, 'later'], 8 * MiB],
] as const)('an offer %s counts with what can be meant', (_, end, bytes) => {
  const offer = [...plain, ...end] as unknown as WireOffer
  expect(offers.accepts([offer])).toBe(true)
  expect(unpackOffers([offer])[0]!.requestBytesMax).toBe(bytes)
})

test.each([
  ['null', null],
  ['a fraction', 0.5],
  ['less than nothing', -1],
  ['text', '4'],
  ['too much', 2 ** 53],
])('%s is no size of a request', (_, size) => {
  expect(offers.accepts([[...plain, size]])).toBe(false)
})
