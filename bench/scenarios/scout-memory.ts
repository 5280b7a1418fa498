/**
 * How large one scout is: the product's own process, with the demo provider, at rest and after 200 tasks, half of them
 * streamed. Read from /proc; RSS counts the runtime's file pages, which processes share.
 */
import { sleep } from '../load/calls.ts'
import { rssOfPid } from '../load/child.ts'
import { type Result, round, type Scenario } from './scenario.ts'
import { onStage } from './stage.ts'

const tasks = 200
const settleMs = 2_500
const scoutMain = new URL('../../scout/main.ts', import.meta.url).pathname

export const scoutMemory: Scenario = {
  name: 'scout-memory',
  about: 'Memory of one scout process.',
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const hub = await stage.hub()
      const env = {
        PATH: process.env.PATH ?? '',
        ORCHESTRATOR_URL: `http://127.0.0.1:${hub.port}`,
        SCOUT_KEY: hub.scoutKey,
        PROVIDERS: 'demo',
        LOG_LEVEL: 'error',
      }
      const scout = Bun.spawn([process.execPath, scoutMain], { env, stdio: ['ignore', 2, 2] })
      try {
        while ((await hub.stats()).scouts === 0) await sleep(50)
        await sleep(settleMs)
        const rest = rssOfPid(scout.pid)
        const { port, path, key } = hub.target([])
        for (let done = 0; done < tasks; done += 8) {
          const ask = (stream: boolean) =>
            fetch(`http://127.0.0.1:${port}${path}`, {
              method: 'POST',
              headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
              body: JSON.stringify({ model: 'demo-small', stream, messages: [{ role: 'user', content: 'hello' }] }),
            }).then((response) => response.text())
          await Promise.all(Array.from({ length: 8 }, (_, i) => ask(i % 2 === 0)))
          if (done % 80 === 0) say(`${done} of ${tasks} tasks`)
        }
        await sleep(settleMs)
        const after = rssOfPid(scout.pid)
        return {
          columns: ['at rest MB', `after ${tasks} tasks MB`, 'peak MB'],
          rows: [[rest.rssMb, after.rssMb, after.peakMb].map(round)],
          figures: { scoutRss: after.rssMb },
          notes: ['Run from source; no tuning of the runtime.'],
        }
      } finally {
        scout.kill('SIGKILL')
        await scout.exited
      }
    }),
}
