/** What the engine asks for as frames: values that the frame table refuses never become one. */
import { expect, test } from 'vitest'
import { FrameLinks } from '../../orchestrator/gateway/frame-links.ts'
import { modelCharsMax, requestBodyBytesMax } from '../../shared/limits/wire.ts'
import type { HubFrame } from '../../shared/protocol/frames.ts'
import { nonce } from '../support/hub/session-stage.ts'

const grant = { task: 1, attempt: 1, nonce, kind: 'chat', model: 'm', stream: true, ttlMs: 1, deadlineMs: 1 } as const
const request = new Uint8Array(2)

function stage() {
  const sent: HubFrame[] = []
  return {
    sent,
    links: new FrameLinks(
      (_session, frame) => sent.push(frame),
      () => {},
    ),
  }
}

test('a task in range is sent', () => {
  const { sent, links } = stage()
  expect(links.task(7, grant, request)).toBe(true)
  expect(sent).toMatchObject([{ type: 'task', ...grant, size: 2 }])
})

const refused = {
  'an attempt beyond the table': { attempt: 1_001 },
  'a deadline in the past': { deadlineMs: -1 },
  'a deadline beyond the table': { deadlineMs: 86_400_001 },
  'a fraction of a millisecond': { deadlineMs: 0.5 },
  'a time that is no number': { ttlMs: Number.NaN },
  'a model without a name': { model: '' },
  'a model with a long name': { model: 'm'.repeat(modelCharsMax + 1) },
}
for (const [what, fields] of Object.entries(refused)) {
  test(`${what} is not sent`, () => {
    const { sent, links } = stage()
    expect(links.task(7, { ...grant, ...fields }, request)).toBe(false)
    expect(sent).toEqual([])
  })
}

test('a request larger than the largest is not sent', () => {
  const { sent, links } = stage()
  expect(links.task(7, grant, new Uint8Array(requestBodyBytesMax + 1))).toBe(false)
  expect(sent).toEqual([])
})
