import { expect, test } from 'vitest'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import type { ScriptedCall } from '../../support/providers/scripted-provider.ts'
import type { FakeSession } from '../../support/scout/fake-hub.ts'
import { eagerSystem, ScoutStage } from '../../support/scout/scout-stage.ts'

/** A small generator with a seed, so that a failure can be repeated. */
function diceOf(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

/** What a hub that forwards every chunk once knows of one task, across sessions. */
interface Told {
  chunks: number
  text: string
  settle: FrameOf<'settle'> | null
}

const tasks = 12
const linesPerTask = 40

/** Takes what `session` has heard in full beyond what was told before. */
function harvest(session: FakeSession, told: Told[]): void {
  for (const [task, known] of told.entries()) {
    const { chunks, settle, body } = session.answer(task)
    for (let piece = chunks.get(known.chunks); piece !== undefined; piece = chunks.get(known.chunks)) {
      known.text += piece.toString()
      known.chunks++
    }
    if (settle === null || body === null || known.settle !== null) continue
    known.settle = settle
    session.send({ type: 'settled', acks: [[task, 1, 'committed']] })
  }
}

function verdicts(told: Told[], hello: FrameOf<'hello'>): FrameOf<'welcome'>['held'] {
  return hello.held.map(([task, attempt]) => {
    const { chunks, settle } = told[task]!
    return [task, attempt, settle === null ? 'resumed' : 'committed', chunks]
  })
}

async function writeAll(call: ScriptedCall, lines: string[]): Promise<void> {
  for (const line of lines) await call.line(line)
  call.done()
}

test.each([1, 2, 3])('no byte is lost or doubled over many cut sockets (seed %i)', async (seed) => {
  const dice = diceOf(seed)
  const stage = new ScoutStage(eagerSystem(), tasks)
  await stage.start()
  const told: Told[] = Array.from({ length: tasks }, () => ({ chunks: 0, text: '', settle: null }))
  const lines = told.map((_, task) =>
    Array.from({ length: linesPerTask }, (_, i) => {
      const pad = dice(12) === 0 ? dice(90_000) : dice(2_000)
      return JSON.stringify({ task, i, pad: 'x'.repeat(pad) })
    }),
  )
  let session = await stage.hub.session()
  await stage.hub.conditions.until('credits', () => session.credits === tasks)
  for (const task of told.keys()) session.task(task)
  const writers: Promise<void>[] = []
  for (const task of told.keys()) {
    const call = await stage.provider.call()
    writers.push(writeAll(call, lines[task]!))
  }
  for (let cuts = 0; cuts < 25; cuts++) {
    const after = session.frames.length + 1 + dice(60)
    const isOver = () => told.every(({ settle }) => settle !== null)
    await stage.hub.conditions.until('frames', () => {
      harvest(session, told)
      return session.frames.length >= after || isOver()
    })
    if (isOver()) break
    session.cut()
    const next = await stage.hub.session(null)
    harvest(session, told)
    next.welcome({ held: verdicts(told, await next.heard('hello')) })
    session = next
  }
  await stage.hub.conditions.until('every settlement', () => {
    harvest(session, told)
    return told.every(({ settle }) => settle !== null)
  })
  await Promise.all(writers)
  for (const [task, { text, settle, chunks }] of told.entries()) {
    expect(text).toBe(lines[task]!.map((line) => `${line}\n`).join(''))
    expect(settle).toMatchObject({ outcome: 'done', chunks })
  }
  expect(stage.provider.calls.length).toBe(tasks)
  expect(stage.hub.sessions.length).toBeGreaterThan(5)
  await stage.close()
})
