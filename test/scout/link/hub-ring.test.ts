import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HubRing, ringDial } from '../../../scout/link/hub-ring.ts'
import type { Dial } from '../../../scout/link/socket.ts'
import { keepKnownHubs, readKnownHubs } from '../../../scout/process/known-hubs.ts'
import { welcomeHubsMax } from '../../../shared/limits/wire.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const [home, beta, gamma] = [
  'wss://alpha.example/v1/scout',
  'wss://beta.example/v1/scout',
  'wss://gamma.example/v1/scout',
]

/** A scout that dials; the test plays the hubs. */
function stage(known: string[] = [], own = home!) {
  const kept: (readonly string[])[] = []
  const ring = new HubRing(own, known, (endpoints) => kept.push(endpoints))
  const dialed: string[] = []
  const told: string[] = []
  let events!: Parameters<Dial>[0]
  const dial = ringDial(ring, (endpoint) => (given) => {
    dialed.push(endpoint)
    events = given
    return { bufferedAmount: 0, send() {}, close() {} }
  })
  const next = () =>
    dial({
      opened: () => told.push('opened'),
      message: () => {},
      refused: (status) => told.push(`refused ${status}`),
      closed: (code) => told.push(`closed ${code}`),
    })
  return { ring, kept, dialed, told, next, hub: () => events }
}

describe('the hubs that a scout dials', () => {
  test('its own as long as that is there, then the others in their order, and its own again', () => {
    const { ring, dialed, told, next, hub } = stage()
    next()
    hub().opened()
    ring.welcomed([beta!, gamma!])
    hub().closed(1006, 'ECONNRESET')
    next()
    // Nobody listens there: one dial goes through all of them.
    for (let dials = 0; dials < 3; dials++) hub().closed(1006, 'ECONNREFUSED')
    expect(dialed).toEqual([home, home, beta, gamma])
    expect(told).toEqual(['opened', 'closed 1006', 'closed 1006'])
    next()
    hub().closed(1006, 'ECONNREFUSED')
    hub().opened()
    ring.welcomed([gamma!, home!])
    hub().closed(1006, '')
    next()
    expect(dialed.slice(-3)).toEqual([home, beta, beta])
  })

  test('are remembered from one start to the next, and forgotten with those who named them', () => {
    const { ring, kept, next } = stage()
    next()
    ring.welcomed([beta!])
    ring.welcomed([beta!])
    ring.welcomed([])
    expect(kept).toEqual([[beta], []])
    const again = stage([beta!])
    again.next()
    again.hub().closed(1006, 'ECONNREFUSED')
    expect(again.dialed).toEqual([home, beta])
  })

  test('a dial that is given up counts as one that failed, once', () => {
    const { dialed, next, hub } = stage([beta!, gamma!])
    const socket = next()
    socket.close(4408, '')
    hub().closed(1006, '')
    next()
    expect(dialed).toEqual([home, beta])
  })

  test('one that does not take the scout is left out, and only its own sends it away', () => {
    const { told, dialed, next, hub } = stage([beta!, gamma!])
    next()
    hub().closed(1006, 'ECONNREFUSED')
    hub().refused(401)
    next()
    hub().opened()
    hub().closed(4504, 'not here')
    next()
    hub().closed(1006, 'ECONNREFUSED')
    next()
    hub().refused(401)
    expect(dialed).toEqual([home, beta, gamma, home, home])
    expect(told).toEqual(['closed 1006', 'opened', 'closed 1006', 'closed 1006', 'refused 401'])
  })

  test('a key that was sent over TLS is sent nowhere without it, whoever names the place', () => {
    const { ring, dialed, next, hub } = stage(['ws://evil.example/v1/scout'])
    next()
    hub().opened()
    ring.welcomed(['ws://evil.example/v1/scout', beta!])
    hub().closed(1006, '')
    for (let dials = 0; dials < 3; dials++) {
      next()
      hub().closed(1006, '')
    }
    expect(new Set(dialed)).toEqual(new Set([home, beta]))
  })
})

test('the file of other hubs is bounded, and costs nothing when it is damaged or cannot be written', () => {
  const folder = temporaryFolder()
  expect(readKnownHubs(folder, home!)).toEqual([])
  const many = Array.from({ length: 99 }, (_, at) => `wss://hub-${at}.example/v1/scout`)
  keepKnownHubs(folder, home!, many)
  expect(readKnownHubs(folder, home!)).toEqual(many.slice(0, welcomeHubsMax))
  expect(readKnownHubs(folder, beta!)).toEqual([])
  const [file] = readdirSync(folder)
  for (const text of [
    '',
    '{',
    '{"a":1}',
    '[1,"http://x",null,"wss://"]',
    `["wss://${'x'.repeat(9_000)}"]`,
    ' '.repeat(99_999),
  ]) {
    writeFileSync(join(folder, file!), text)
    expect(readKnownHubs(folder, home!)).toEqual([])
  }
  keepKnownHubs(join(folder, 'nowhere'), home!, many)
})
