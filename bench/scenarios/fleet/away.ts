/**
 * What one scout does while its hub is not there: how soon it knows that a frozen hub is gone, what waiting costs it,
 * how soon it is back. The product's own process against the product's own hub, in real time; `--seconds` is how long
 * the hub stays away.
 */

import { heartbeatMs, silenceMs } from '../../../shared/limits/wire.ts'
import { sleep } from '../../load/calls.ts'
import { cpuMsOfPid } from '../../load/child.ts'
import { type Result, round, type Scenario } from '../scenario.ts'
import { onStage } from '../stage.ts'

const scoutMain = new URL('../../../scout/main.ts', import.meta.url).pathname
const patienceMs = 120_000

/** The log of a process, line by line as it comes. */
class Lines {
  private text = ''
  private from = 0

  constructor(stream: ReadableStream<Uint8Array>) {
    void this.read(stream)
  }

  /** Seconds until a line with these words comes, from now on. */
  async secondsTo(words: string): Promise<number> {
    const beganMs = performance.now()
    while (!this.text.includes(words, this.from)) {
      if (performance.now() - beganMs > patienceMs) throw new Error(`the scout never said: ${words}`)
      await sleep(20)
    }
    this.from = this.text.length
    return (performance.now() - beganMs) / 1_000
  }

  private async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const bytes of stream) this.text += decoder.decode(bytes, { stream: true })
  }
}

export const away: Scenario = {
  name: 'away',
  about: 'One scout whose hub freezes, stays away and comes back.',
  defaults: { seconds: 60 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const hub = await stage.hub()
      const env = {
        PATH: process.env.PATH ?? '',
        ORCHESTRATOR_URL: `http://127.0.0.1:${hub.port}`,
        SCOUT_KEY: hub.scoutKey,
        PROVIDERS: 'demo',
      }
      const scout = Bun.spawn([process.execPath, scoutMain], { env, stdio: ['ignore', 'pipe', 2] })
      try {
        const log = new Lines(scout.stdout)
        const startSeconds = await log.secondsTo('Connected as')
        say(`connected after ${startSeconds.toFixed(2)} s; the hub freezes`)
        hub.freeze()
        const noticedSeconds = await log.secondsTo('Not connected')
        say(`noticed after ${noticedSeconds.toFixed(1)} s; the hub stays away for ${options.seconds} s`)
        await hub.kill()
        const beforeMs = cpuMsOfPid(scout.pid)
        await sleep(options.seconds * 1_000)
        const cpuPercent = (cpuMsOfPid(scout.pid) - beforeMs) / (options.seconds * 10)
        say('the hub is back')
        await hub.restart()
        const backSeconds = await log.secondsTo('Connected as')
        return {
          columns: ['start to connected s', 'frozen to noticed s', 'away s', 'CPU meanwhile %', 'returned to back s'],
          rows: [[startSeconds, noticedSeconds, options.seconds, cpuPercent, backSeconds].map(round)],
          figures: {},
          notes: [
            `Run from source. The hub pings every ${heartbeatMs / 1_000} s, and a scout notices a silence of ` +
              `${silenceMs / 1_000} s.`,
          ],
        }
      } finally {
        scout.kill('SIGKILL')
        await scout.exited
      }
    }),
}
