import { expect, test } from 'vitest'
import {
  defectsInRowMax,
  drainHeadStartMs,
  drainKillMs,
  signalEchoMs,
  startNoticeMs,
} from '../../shared/limits/process.ts'
import { reconnectCapMs } from '../../shared/limits/wire.ts'
import { connected, drains, fakePart, ready, readyFirst, stage } from '../support/hub/fake-parts.ts'

const quietOrchestrator = fakePart(`${drains('orchestrator')} ${ready}`)
const quietScout = fakePart(`${drains('scout')} ${connected}`)

test('the banner is printed once the scout has connected, with a curl line that carries the new key', async () => {
  const orchestrator = fakePart(`${drains('orchestrator')} ${readyFirst}`)
  using on = stage({ orchestrator, scout: quietScout })
  const code = on.supervisor.run()
  const banner = await on.line('Chasm is running')
  expect(banner).toContain('Chasm is running at http://127.0.0.1:4711\n')
  expect(banner).toMatch(/^curl http:\/\/127\.0\.0\.1:4711\/v1\/chat\/completions .*Bearer client-key" .*-d '\{.*\}'$/m)
  on.supervisor.signal()
  expect(await code).toBe(0)
})

test('the scout learns address and key from its environment, and is calm unless a log level is set', async () => {
  const reports =
    `${drains('scout')} const { ORCHESTRATOR_URL, SCOUT_KEY, LOG_LEVEL } = process.env;` +
    "send({ type: 'connected', models: [ORCHESTRATOR_URL, SCOUT_KEY, LOG_LEVEL] })"
  for (const [logLevel, heard] of [
    ['', 'warn'],
    ['debug', 'debug'],
  ] as const) {
    using on = stage({ orchestrator: quietOrchestrator, scout: fakePart(reports) }, { logLevel })
    const code = on.supervisor.run()
    expect(await on.line('Chasm is running')).toContain(`http://127.0.0.1:4711, scout-key, ${heard}`)
    on.supervisor.signal()
    expect(await code).toBe(0)
  }
})

test('an orchestrator that cannot start speaks for itself: its code is passed on and nothing is added', async () => {
  using on = stage({ orchestrator: fakePart('process.exit(3)'), scout: quietScout })
  expect(await on.supervisor.run()).toBe(3)
  expect(on.lines).toEqual([])
})

test('an orchestrator killed before it listens leaves a sentence and a code other than 0', async () => {
  using on = stage({ orchestrator: fakePart("process.kill(process.pid, 'SIGKILL')"), scout: quietScout })
  expect(await on.supervisor.run()).toBe(1)
  expect(on.lines).toEqual(['The orchestrator ended by signal SIGKILL; stopping. Start again with: npm start'])
})

test('a scout that gives up before it ever connected ends the whole with its code', async () => {
  using on = stage({ orchestrator: quietOrchestrator, scout: fakePart('process.exit(4)') })
  expect(await on.supervisor.run()).toBe(4)
  expect(on.lines).toEqual([])
  expect(on.notes()).toEqual(['orchestrator told'])
})

test('a dead scout is replaced after a jittered delay, and its return is one line, not a second banner', async () => {
  const scout = fakePart(`${drains('scout')} note(process.pid); ${connected}`)
  using on = stage({ orchestrator: quietOrchestrator, scout })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  process.kill(Number(on.notes()[0]), 'SIGKILL')
  expect(await on.line('The scout ended')).toBe('The scout ended by signal SIGKILL; another starts in 0.5 s.')
  on.timers.fire((delayMs) => delayMs === 500)
  await on.line('The scout is back.')
  expect(on.lines.filter((line) => line.includes('Chasm is running'))).toHaveLength(1)
  on.supervisor.signal()
  expect(await code).toBe(0)
})

test('the delay before another scout never passes its cap', async () => {
  const dies = fakePart("process.kill(process.pid, 'SIGKILL')")
  using on = stage({ orchestrator: quietOrchestrator, scout: dies }, { random: 0.999 })
  const code = on.supervisor.run()
  for (let deaths = 1; deaths <= 7; deaths++) {
    await on.line('The scout ended')
    on.lines.length = 0
    const [restart] = on.timers.delays().filter((delayMs) => delayMs < reconnectCapMs)
    expect(restart).toBeGreaterThan(deaths === 7 ? 29_000 : 0)
    if (deaths < 7) on.timers.fire((delayMs) => delayMs === restart)
  }
  on.supervisor.signal()
  expect(await code).toBe(0)
})

test('an orchestrator that dies takes the scout with it and passes on its code', async () => {
  const orchestrator = fakePart(`process.on('SIGUSR2', () => process.exit(5)); note(process.pid); ${ready}`)
  using on = stage({ orchestrator, scout: quietScout })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  process.kill(Number(on.notes()[0]), 'SIGUSR2')
  expect(await code).toBe(5)
  expect(on.lines.at(-1)).toBe('The orchestrator ended with code 5; stopping. Start again with: npm start')
  expect(on.notes().at(-1)).toBe('scout told')
})

test('a signal drains the scout first, then the orchestrator, and its echo is not taken for a second', async () => {
  using on = stage({ orchestrator: quietOrchestrator, scout: quietScout })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  on.supervisor.signal()
  on.supervisor.signal()
  expect(await code).toBe(0)
  expect(on.notes()).toEqual(['scout told', 'orchestrator told'])
  expect(on.timers.delays()).toEqual([])
})

test('a signal before anything is up ends the start', async () => {
  const orchestrator = fakePart(`${drains('orchestrator')} note('up')`)
  using on = stage({ orchestrator, scout: quietScout })
  const code = on.supervisor.run()
  on.supervisor.signal()
  expect(await code).toBe(0)
})

const stubborn = (name: string): string =>
  `process.on('SIGTERM', () => { note('${name} told'); send({ type: 'connected' }) });`

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a slow scout delays the orchestrator by its head start only, and nobody is told twice', async () => {
  const orchestrator = fakePart(
    "process.on('SIGTERM', () => note('orchestrator told')); process.on('SIGUSR2', () => process.exit(0));" +
      `note(process.pid); ${ready}`,
  )
  const scout = fakePart(
    `process.on('SIGTERM', () => note('scout told')); note(process.pid); ${connected}` +
      "const { readFileSync } = require('node:fs');" +
      "setInterval(() => readFileSync(process.env.NOTES, 'utf8').includes('orchestrator') && process.exit(0), 5)",
  )
  using on = stage({ orchestrator, scout })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  const [orchestratorPid, scoutPid] = on.notes().map(Number) as [number, number]
  on.supervisor.signal()
  on.timers.fire((delayMs) => delayMs === drainHeadStartMs)
  while (isAlive(scoutPid)) await new Promise((resolve) => setImmediate(resolve))
  process.kill(orchestratorPid, 'SIGUSR2')
  expect(await code).toBe(0)
  expect(on.notes().filter((note) => note === 'orchestrator told')).toHaveLength(1)
})

test('an orchestrator that fails while it drains passes on its code', async () => {
  const orchestrator = fakePart(`process.on('SIGTERM', () => process.exit(6)); ${ready}`)
  using on = stage({ orchestrator, scout: quietScout })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  on.supervisor.signal()
  expect(await code).toBe(6)
})

test('no scout is started any more once the drain has begun', async () => {
  const dies = fakePart("process.kill(process.pid, 'SIGKILL')")
  using on = stage({ orchestrator: quietOrchestrator, scout: dies })
  const code = on.supervisor.run()
  await on.line('The scout ended')
  expect(on.timers.delays()).toContain(500)
  on.supervisor.signal()
  expect(on.timers.delays()).not.toContain(500)
  expect(await code).toBe(0)
})

test('a second signal ends both at once', async () => {
  const orchestrator = fakePart(`${stubborn('orchestrator')} ${ready}`)
  using on = stage({ orchestrator, scout: fakePart(`${stubborn('scout')} ${connected}`) })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  on.supervisor.signal()
  on.clock.aheadMs = signalEchoMs
  on.supervisor.signal()
  expect(await code).toBe(1)
  expect(on.lines.at(-1)).toContain('Stopped at once')
})

test('a drain that never ends is cut short below 35 s', async () => {
  const orchestrator = fakePart(`${stubborn('orchestrator')} ${ready}`)
  using on = stage({ orchestrator, scout: fakePart(`${stubborn('scout')} ${connected}`) })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  on.supervisor.signal()
  expect(drainKillMs).toBeLessThan(35_000)
  on.timers.fire((delayMs) => delayMs === drainKillMs)
  expect(await code).toBe(1)
})

test('whoever keeps a person waiting is named', async () => {
  using on = stage({ orchestrator: quietOrchestrator, scout: fakePart(`${drains('scout')} note('up')`) })
  const code = on.supervisor.run()
  on.timers.fire((delayMs) => delayMs === startNoticeMs)
  expect(on.lines.at(-1)).toMatch(/^Still waiting for the orchestrator to listen\./)
  while (on.timers.delays().length === 0) await new Promise((resolve) => setImmediate(resolve))
  on.timers.fire((delayMs) => delayMs === startNoticeMs)
  expect(on.lines.at(-1)).toMatch(/^Still waiting for the scout to connect\./)
  on.supervisor.signal()
  expect(await code).toBe(0)
})

test('what is not a report is ignored', async () => {
  const nonsense = "send(null); send('ready'); send({ type: 'ready' }); send({ type: 'ready', url: 1, scoutKey: {} });"
  const odd = "send({ type: 'connected', models: 'all' }); send({ type: 'connected', models: [1] });"
  const orchestrator = fakePart(`${drains('orchestrator')} ${nonsense} ${ready}`)
  using on = stage({ orchestrator, scout: fakePart(`${drains('scout')} ${odd} ${connected}`) })
  const code = on.supervisor.run()
  expect(await on.line('Chasm is running')).toContain('demo-chat')
  expect(on.lines).toHaveLength(1)
  on.supervisor.signal()
  expect(await code).toBe(0)
})

const dying = fakePart(`process.on('SIGUSR2', () => process.exit(70)); note(process.pid); ${ready}`)

test('an orchestrator that met a defect starts again after a jittered delay, and the scout stays', async () => {
  using on = stage({ orchestrator: dying, scout: fakePart(`${drains('scout')} ${connected}`) })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  process.kill(Number(on.notes()[0]), 'SIGUSR2')
  expect(await on.line('The orchestrator met')).toBe('The orchestrator met a defect; it starts again in 0.5 s.')
  on.timers.fire((delayMs) => delayMs === 500)
  await on.line('The orchestrator is back.')
  expect(on.notes().filter((note) => note.includes('scout'))).toEqual([])
  on.supervisor.signal()
  await code
  expect(on.notes()).toContain('scout told')
})

test('an orchestrator that meets one defect after the other without listening in between is given up', async () => {
  const isFirst = "require('node:fs').readFileSync(process.env.NOTES, 'utf8') === ''"
  const orchestrator = fakePart(
    `const isFirst = ${isFirst}; note(process.pid); if (!isFirst) process.exit(70);` +
      `process.on('SIGUSR2', () => process.exit(70)); ${ready}`,
  )
  using on = stage({ orchestrator, scout: quietScout })
  const code = on.supervisor.run()
  await on.line('Chasm is running')
  process.kill(Number(on.notes()[0]), 'SIGUSR2')
  for (let defects = 0; defects < defectsInRowMax; defects++) {
    await on.line('The orchestrator met')
    on.lines.length = 0
    const [recover] = on.timers.delays().filter((delayMs) => delayMs < reconnectCapMs)
    on.timers.fire((delayMs) => delayMs === recover)
  }
  expect(await code).toBe(70)
})
