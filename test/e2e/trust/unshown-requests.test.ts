/**
 * Keys whose requests are not shown in order to check answers: no scout but those that serve them sees one, and the
 * scouts are checked all the same.
 */
import { expect, test } from 'vitest'
import { noScopes, storedScopes } from '../../../shared/keys/key-terms.ts'
import { chat, chatUntil, site } from './conviction-stage.ts'

const own = 'What do you think of number'
const console = { id: 'console', address: '' }

/** How often each request of a client was seen by a scout, and how many others were. */
function seenBy(providers: Record<string, { bodies: string[] }>) {
  const times = new Map<string, number>([['', 0]])
  let questions = 0
  for (const { bodies } of Object.values(providers)) {
    for (const body of bodies) {
      if (body.includes(own)) times.set(body, (times.get(body) ?? 0) + 1)
      else questions++
    }
  }
  return { most: Math.max(...times.values()), questions }
}

test('requests of such keys are seen once, and their scouts asked questions', async () => {
  const of = await site('observe')
  const { keyring } = of.live.hub
  for (const { id, role } of keyring.list()) {
    if (role === 'client') keyring.amend(id, { scopes: storedScopes({ ...noScopes, audit: false }) }, console)
  }
  await chatUntil('questions', of, () => seenBy(of.providers).questions >= 10)
  expect(seenBy(of.providers).most).toBe(1)
})

test('requests of other keys are asked again of others', async () => {
  const of = await site('observe')
  await chatUntil('a request that was asked again', of, () => seenBy(of.providers).most > 1)
  expect(await chat(of)).toContain('/')
})
