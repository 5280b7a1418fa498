/**
 * Connections that say nothing, and dials that are refused.
 * `attacks.ts` lists these attacks.
 */
import { scoutPath } from '../../../shared/protocol/frames.ts'
import { sleep } from '../../load/calls.ts'
import type { Attack } from '../site/site.ts'

const idleCount = 3_000
const refusedPerSecond = 200

const idle: Attack = {
  name: 'idle-connections',
  about: `${idleCount} TCP connections that send nothing`,
  async run(site) {
    for (let at = 0; at < idleCount && !site.isOver; at += 50) {
      await Promise.all(Array.from({ length: 50 }, () => site.connection()))
      await sleep(20)
    }
  },
}

const refused: Attack = {
  name: 'refused-keys',
  about: `${refusedPerSecond} dials a second with keys that do not exist`,
  async run(site) {
    const headers = {
      authorization: `Bearer chasm_scout_${'x'.repeat(49)}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-protocol': 'chasm.v1',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const url = `http://127.0.0.1:${site.port}${scoutPath}`
    site.every(refusedPerSecond, () => {
      fetch(url, { headers }).then(
        (response) => site.note(`status ${response.status}`),
        () => site.note('connection lost'),
      )
    })
  },
}

export const connectionAttacks = [idle, refused]
