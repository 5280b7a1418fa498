/** How the descriptors of one process are shared between scouts and clients. */
import { expect, test } from 'vitest'
import { connectionsMax, requestsMax } from '../../orchestrator/gateway/descriptors.ts'

test('clients get what scouts leave', () => {
  const room = connectionsMax()
  expect(requestsMax(room)).toBeGreaterThan(0.9 * room)
  expect(requestsMax(room)).toBeLessThan(room)
})

test('a full fleet shuts no client out', () => {
  const least = requestsMax(0)
  expect(least).toBeGreaterThanOrEqual(0.1 * connectionsMax())
  expect(requestsMax(least)).toBe(least)
})
