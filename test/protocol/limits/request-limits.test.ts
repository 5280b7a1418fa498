/**
 * The relations between the limits on requests: what a client may send, what a frame can name, what the hub holds, what
 * every scout takes. The relations of all other limits are in `limits.test.ts`.
 */
import { expect, test } from 'vitest'
import * as http from '../../../shared/limits/http.ts'
import * as wire from '../../../shared/limits/wire.ts'

test.each([
  ['a request is at most as large as a frame can name', http.requestBodyBytesDefault, wire.requestBodyBytesMax],
  ['every scout takes what is stored', wire.bodyBytesMax, http.requestBodyBytesDefault],
  [
    'an image of 20 MB fits into a request in base64, with a prompt beside it',
    (20_000_000 / 3) * 4 + wire.bodyBytesMax,
    http.requestBodyBytesDefault,
  ],
  [
    'the largest request fits what one tenant may hold of large ones',
    wire.requestBodyBytesMax,
    http.largeRequestBytesPerTenantMax,
  ],
  [
    'no tenant can hold all that there is for large requests',
    http.largeRequestBytesPerTenantMax + http.requestBodyBytesDefault,
    http.largeRequestBytesMax,
  ],
  ['large requests leave half of the account to others', http.largeRequestBytesMax, http.requestBytesMax / 2],
  [
    'a body of the usual size may come at the least rate that small ones may',
    wire.bodyBytesMax / http.bodyLooksMax,
    http.bodyBytesPerLook,
  ],
  ['a refused body of the largest size is read to its end', wire.requestBodyBytesMax, http.discardedBodyBytesMax],
] as [sentence: string, smaller: number, larger: number][])('%s', (_, smaller, larger) => {
  expect(smaller).toBeLessThanOrEqual(larger)
})
