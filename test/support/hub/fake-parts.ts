/**
 * Small processes that stand in for the orchestrator and the scout, and a stage on which a real `Supervisor` runs them:
 * it keeps what was printed and said, and holds the timers until the test fires them.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Options, Supervisor } from '../../../orchestrator/supervisor.ts'
import { realSystem, type Timer } from '../../../shared/system.ts'

const bun = process.execPath

/** A process that runs `code`; `note(line)` in it is readable as `stage.notes()`, `send` speaks to the supervisor. */
export function fakePart(code: string): string[] {
  const prelude =
    "const note = (line) => require('node:fs').appendFileSync(process.env.NOTES, line + '\\n');" +
    'const send = (message) => process.send(message);' +
    // A test that dies must not leave this process behind.
    "process.on('disconnect', () => process.exit(99)); setTimeout(() => process.exit(98), 300_000);"
  return [bun, '-e', prelude + code]
}

export const ready = "send({ type: 'ready', url: 'http://127.0.0.1:4711', scoutKey: 'scout-key' });"
export const readyFirst =
  "send({ type: 'ready', url: 'http://127.0.0.1:4711', scoutKey: 'scout-key', clientKey: 'client-key' });"
export const connected = "send({ type: 'connected', provider: 'demo', models: ['demo-chat'] });"
/** Exits cleanly when told to, after noting who it is. */
export function drains(name: string): string {
  return `process.on('SIGTERM', () => { note('${name} told'); process.exit(0) });`
}

interface HeldTimer {
  delayMs: number
  fire: () => void
}

/** The real clock, but timers that go off only when `fire` is called with a test for their delay. */
function heldTimers() {
  const held = new Set<HeldTimer>()
  const after = (delayMs: number, callback: () => void): Timer => {
    const timer = { delayMs, fire: callback }
    held.add(timer)
    return { cancel: () => held.delete(timer) }
  }
  const fire = (matches: (delayMs: number) => boolean): void => {
    for (const timer of [...held].filter(({ delayMs }) => matches(delayMs))) {
      held.delete(timer)
      timer.fire()
    }
  }
  return { after, fire, delays: () => [...held].map(({ delayMs }) => delayMs) }
}

export function stage(commands: Options['commands'], { random = 0.5, logLevel = '' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-stage-'))
  const notes = join(folder, 'notes')
  appendFileSync(notes, '')
  const lines: string[] = []
  const wakers = new Set<() => void>()
  const heard = (line: string): void => {
    lines.push(line)
    for (const wake of wakers) wake()
  }
  const timers = heldTimers()
  const clock = { aheadMs: 0 }
  const real = realSystem()
  const system = { ...real, after: timers.after, random: () => random, nowMs: () => real.nowMs() + clock.aheadMs }
  const env = { ...process.env, NOTES: notes, LOG_LEVEL: logLevel }
  const supervisor = new Supervisor({ commands, env, system, print: heard, say: heard })
  return {
    supervisor,
    lines,
    timers,
    clock,
    notes: () => readFileSync(notes, 'utf8').split('\n').slice(0, -1),
    /** Resolves with the first line, past or future, that contains `part`. */
    line: (part: string) =>
      new Promise<string>((resolve) => {
        const look = (): void => {
          const line = lines.find((candidate) => candidate.includes(part))
          if (line === undefined) return
          wakers.delete(look)
          resolve(line)
        }
        wakers.add(look)
        look()
      }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
