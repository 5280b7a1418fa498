// A scout that streams: every piece that `handle` yields reaches the client at once. A client that leaves aborts the
// signal, and a ScoutError tells it in your own words what was wrong with its request.
import { setTimeout as pause } from 'node:timers/promises'
import { defineScout, ScoutError } from 'chasm/scout'

await defineScout({
  name: 'countdown',
  offers: [{ model: 'countdown', about: 'Counts down from the number it is given, once a tenth of a second.' }],
  async *handle({ text, signal }) {
    const from = Number(text)
    if (!Number.isInteger(from) || from < 1 || from > 100) {
      throw new ScoutError('invalid_request', 'Say a whole number from 1 to 100.')
    }
    for (let number = from; number > 0; number--) {
      yield `${number} `
      await pause(100, undefined, { signal })
    }
    yield 'liftoff'
  },
}).run()
