import { describe, expect, test } from 'vitest'
import type { IntentEvent, IntentEvents } from '../../../orchestrator/engine/ports/intents.ts'
import { linesForgetMs } from '../../../shared/limits/cluster/journal.ts'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'
import { deltaLine, finishLine, type Work } from '../../support/hub/engine-bench.ts'
import { outline } from '../../support/hub/intents-stage.ts'

const names = ['alpha', 'beta', 'gamma']

/** Three hubs that know each other, and an intent of the first one, whose answer is under way. */
async function answering(drawing: Record<string, string[]> = { answer: [] }) {
  const stage = new EngineNetwork(names)
  await stage.until('all to be here', () => names.every((name) => stage.hub(name).network.counts().here === 2))
  const [a, b, c] = names.map((name) => stage.hub(name)) as [EngineHub, EngineHub, EngineHub]
  let id = ''
  void a.bench.accepted(drawing).then((given) => {
    id = given
  })
  await stage.until('the intent to be accepted', () => id !== '')
  const home = new Reading(stage, a.bench.engine.intents.events(id, null, null)!)
  return { stage, a, b, c, id, home, work: await workAt(stage, a) }
}

async function workAt(stage: EngineNetwork, { bench }: EngineHub): Promise<Work> {
  bench.join(['m'], 1)
  await stage.until('the lease', () => bench.sent.some(({ frame }) => frame.type === 'task'))
  const work = bench.work()
  work.started()
  return work
}

/** One client that reads the events of an intent. */
class Reading {
  readonly events: IntentEvent[] = []
  ended = false

  constructor(
    private readonly stage: EngineNetwork,
    private readonly reader: IntentEvents,
  ) {}

  static async at(stage: EngineNetwork, { bench }: EngineHub, id: string, lastEventId: string | null = null) {
    const { intents } = bench.engine
    let isHere = false
    void Promise.resolve(intents.bring(id)).then(() => {
      isHere = true
    })
    await stage.until('the intent to be at hand', () => isHere)
    return new Reading(stage, intents.events(id, null, lastEventId)!)
  }

  look(): string[] {
    for (let part = this.reader.take(); part !== null && !this.ended; part = this.reader.take()) {
      this.events.push(...part.events)
      this.ended = part.ended
    }
    return outline(this.events)
  }

  async until(last: string): Promise<void> {
    await this.stage.until(last, () => this.look().includes(last))
  }

  leave(): void {
    this.reader.close()
  }
}

describe('an answer in progress', () => {
  test('is read at any hub as it comes, and goes on at the third with the id that the second gave', async () => {
    const { stage, b, c, id, home, work } = await answering()
    const away = await Reading.at(stage, c, id)
    work.say(deltaLine('one'), deltaLine('two'))
    await away.until('chunk answer 1 1')
    expect(away.look()).toEqual(['planned', 'task_started answer 1', 'chunk answer 1 0', 'chunk answer 1 1'])
    const midway = away.events[2]!.id
    away.leave()
    const third = await Reading.at(stage, b, id, midway)
    await third.until('chunk answer 1 1')
    work.say(deltaLine('three'))
    await third.until('chunk answer 1 2')
    work.say(finishLine)
    work.done()
    await third.until('done done')
    home.look()
    expect(third.events).toEqual(home.events.slice(3))
    expect(home.look().filter((line) => line.startsWith('chunk'))).toHaveLength(3)
  })

  test('is whole before its end, also where nobody had asked for what came last', async () => {
    const { stage, c, id, home, work } = await answering()
    const away = await Reading.at(stage, c, id)
    await away.until('task_started answer 1')
    for (let at = 0; at < 400; at++) work.say(deltaLine(`${at} ${'x'.repeat(400)}`))
    work.say(finishLine)
    work.done()
    await away.until('done done')
    home.look()
    expect(away.events).toEqual(home.events)
    expect(away.events.length).toBeGreaterThan(400)
  })

  test('of an attempt that is given up is not told again, and that of the next one is', async () => {
    const { stage, a, c, id, home, work } = await answering()
    const away = await Reading.at(stage, c, id)
    work.say(deltaLine('in vain'))
    await away.until('chunk answer 1 0')
    home.look()
    work.fail('provider_error')
    const second = await workAt(stage, a)
    second.say(deltaLine('well'))
    await away.until('chunk answer 2 0')
    second.say(finishLine)
    second.done()
    await away.until('done done')
    home.look()
    expect(outline(away.events)).toEqual(outline(home.events))
  })

  test('goes on at the hub that takes the intent over, for whoever follows at the third one', async () => {
    const { stage, a, b, c, id, work } = await answering()
    const away = await Reading.at(stage, c, id)
    work.say(deltaLine('one'))
    await away.until('chunk answer 1 0')
    a.die()
    await stage.until('beta to have it', () => b.bench.engine.core.state.intents.has(id))
    const { task, attempt, nonce } = work.lease
    const held = [[task, attempt, nonce]] as [number, number, Uint8Array][]
    const session = b.bench.join(['m'], 0, { name: 'scout-1', instance: 'instance-1', held })
    await stage.until('the scout to be welcome', () => b.bench.sent.some(({ frame }) => frame.type === 'welcome'))
    // It sends everything again.
    const again = Object.assign(Object.create(Object.getPrototypeOf(work)), work, { bench: b.bench, session })
    again.seq = 0
    again.offset = 0
    again.say(deltaLine('one'), deltaLine('two'))
    await away.until('chunk answer 1 1')
    again.say(finishLine)
    again.done()
    await away.until('done done')
    const chunks = away.look().filter((line) => line.startsWith('chunk'))
    expect(chunks).toEqual(['chunk answer 1 0', 'chunk answer 1 1'])
  })

  test('is never told twice or out of order, however often messages between hubs are lost or repeated', async () => {
    const { stage, c, id, work } = await answering()
    stage.buses.trouble = { delayMs: [0, 80], lost: 0.2, repeated: 0.2 }
    const away = await Reading.at(stage, c, id)
    for (let at = 0; at < 30; at++) {
      work.say(deltaLine(`${at}`))
      await stage.pass(100)
      away.look()
    }
    await away.until('chunk answer 1 29')
    work.say(finishLine)
    work.done()
    await away.until('done done')
    const chunks = away.look().filter((line) => line.startsWith('chunk'))
    expect(chunks).toEqual(chunks.map((_, at) => `chunk answer 1 ${at}`))
  })

  test('costs the hub that has it nothing once nobody follows any more', async () => {
    const { stage, c, id, home, work } = await answering()
    home.leave()
    const away = await Reading.at(stage, c, id)
    work.say(deltaLine('one'))
    await away.until('chunk answer 1 0')
    const asked = () => stage.buses.record.filter(({ subject }) => subject.includes('.follow.')).length
    away.leave()
    await stage.pass(linesForgetMs + 10_000)
    const before = asked()
    expect(before).toBeGreaterThan(0)
    await stage.pass(10_000)
    expect(asked()).toBe(before)
  })
})
