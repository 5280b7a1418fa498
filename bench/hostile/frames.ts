/**
 * Frames that are allowed one by one: answers that are never finished, chunks of nothing, noise.
 * `hostile.ts` runs these attacks.
 */
import { sleep } from '../load/calls.ts'
import { type Attack, chatFor } from './site.ts'
import type { Stranger, Task } from './stranger.ts'

const mib = 2 ** 20
const model = 'hostile-frames'

const halfAnswers: Attack = {
  name: 'half-answers',
  about: '30 scouts that deliver four answers of 4 MiB each but for the last fragment',
  async run(site) {
    const body = Buffer.alloc(4 * mib - 1_000, 0x20)
    const onTask = (stranger: Stranger, task: Task) => stranger.settle(task, body, 0, 0.97)
    await site.strangers(30, (at) => ({ name: `half-${at}`, models: [model], concurrency: 4, onTask }))
    await site.fire(120, '/v1/chat/completions', chatFor(model))
  },
}

const endless: Attack = {
  name: 'endless-streams',
  about: 'a scout that streams without end at its allowed rate, to clients that read',
  async run(site) {
    const line = `${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(15_000) } }] })}\n`
    const body = Buffer.from(line)
    const onTask = async (stranger: Stranger, { task, attempt }: Task) => {
      for (let seq = 0; !stranger.isClosed; seq++) {
        await stranger.pay(body.length)
        stranger.send({ type: 'chunk', task, attempt, seq, offset: seq * body.length, size: body.length, body })
        await sleep(1)
      }
    }
    await site.stranger({ name: 'endless', models: [model], concurrency: 4, onTask })
    site.loop(4, '/v1/chat/completions', () => chatFor(model, { stream: true }))
  },
}

const noise: Attack = {
  name: 'noise',
  about: 'scouts that send random frames, are closed, and dial again 40 times a second',
  async run(site) {
    const bytes = new Uint8Array(1_024)
    site.every(40, () => {
      const dialled = site.stranger({ name: 'noise', models: [model] })
      dialled.then(
        (stranger) => {
          crypto.getRandomValues(bytes)
          stranger.raw(bytes)
          setTimeout(() => stranger.cut(), 200)
        },
        () => site.note('not taken'),
      )
    })
  },
}

export const frameAttacks = [halfAnswers, endless, noise]
