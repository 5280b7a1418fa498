/**
 * Names that a stranger invents: fresh ones without end, and more of them than anybody wants to read.
 * `attacks.ts` lists these attacks.
 */
import { offersMax } from '../../../shared/limits/wire.ts'
import { sleep } from '../../load/calls.ts'
import type { Attack } from '../site/site.ts'

/** Below the limit of frames and of bytes that a scout may send. */
const offersPerSecond = 120
const oddScouts = 100
/** Their hellos, which are large, come over some time. */
const helloEveryMs = 20

const fresh: Attack = {
  name: 'fresh-names',
  about: `a scout that offers ${offersMax} new models ${offersPerSecond} times a second`,
  async run(site) {
    const stranger = await site.stranger({ name: 'names', models: ['x'] })
    let made = 0
    const name = () => (made++).toString(36).padStart(5, '0')
    site.every(offersPerSecond, () => {
      site.note('offers', offersMax)
      stranger.offer(Array.from({ length: offersMax }, name))
    })
  },
}

const odd: Attack = {
  name: 'odd-models',
  about: `${oddScouts} scouts with ${offersMax} models of their own each, and clients that list them`,
  async run(site) {
    for (let at = 0; at < oddScouts && !site.isOver; at++) {
      const models = Array.from({ length: offersMax }, (_, model) => `odd-${at}-${model}-${'x'.repeat(80)}`)
      await site.stranger({ name: `odd-${at}`, models })
      await sleep(helloEveryMs)
    }
    site.loop(2, '/v1/models', () => undefined as never)
  },
}

export const nameAttacks = [fresh, odd]
