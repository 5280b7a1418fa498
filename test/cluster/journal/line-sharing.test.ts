import { describe, expect, test } from 'vitest'
import { LineSharing } from '../../../orchestrator/cluster/journal/line-sharing.ts'
import type { Peer } from '../../../orchestrator/cluster/presence/peers.ts'
import { MessageGate } from '../../../orchestrator/cluster/roster/message-gate.ts'
import type { LinesAsked, LinesFound } from '../../../orchestrator/engine/ports/network/live-lines.ts'
import {
  linesAnswerBytesMax,
  linesAnswerMs,
  linesAtOnce,
  linesNodesMax,
  linesOfHub,
} from '../../../shared/limits/cluster/journal.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { BusModel } from '../../support/cluster/model-bus.ts'
import { networkOf, type TestHub, testHub } from '../../support/cluster/network.ts'

const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const pair = networkOf([alpha, beta])
const asked: LinesAsked = { intent: 'int_1', seq: 2, known: [{ node: 'n', attempt: 1, lines: 3 }], waits: false }
const nothing: LinesFound = { isHere: true, hasEvents: false, parts: [] }
const part = (lines: string[]): LinesFound => ({ ...nothing, parts: [{ node: 'n', attempt: 1, from: 3, lines }] })

/** Alpha, which asks, and beta, which answers so. */
function stage(lines: (hub: string, asked: LinesAsked) => Promise<LinesFound>) {
  const system = new ManualSystem()
  const buses = new BusModel(system)
  const side = ({ name, identity }: TestHub) => {
    const own = { name, boot: 1 }
    const bus = buses.connect()
    const gate = new MessageGate(identity, own, pair, () => system.nowMs())
    const membership = {
      ...{ own, prefix: 'chasm.test' },
      publish: (to: typeof own | null, subject: string, payload: Uint8Array) =>
        bus.publish(subject, gate.seal(to, subject, payload)),
      receive: (message: Uint8Array, subject: string) => {
        const believed = gate.receive(message, subject)
        return typeof believed === 'string' ? null : believed
      },
    }
    const peers = { get: (of: string) => ({ name: of, boot: 1, isHere: true }) as Peer }
    const sharing = new LineSharing({ system, bus, membership, peers, host: { lines } })
    sharing.start()
    return sharing
  }
  const [asks] = [side(alpha), side(beta)] as const
  const ask = async () => {
    const answer = asks.ask('beta', asked)
    await passes(system, linesAnswerMs)
    return await answer
  }
  return { system, asks, ask }
}

async function passes(system: ManualSystem, ms: number): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    system.pass(0)
    await new Promise((resolve) => setImmediate(resolve))
  }
  system.pass(ms)
}

describe('lines between hubs', () => {
  test('are asked for by name and come as they are', async () => {
    const heard: unknown[] = []
    const found = part(['{"choices":[]}', '{"text":"\\u00e4\\n"}'])
    const { ask } = stage(async (hub, question) => {
      heard.push([hub, question])
      return found
    })
    expect(await ask()).toEqual(found)
    expect(heard).toEqual([['alpha', asked]])
  })

  test('are none when they are no objects on one line, or more than was ever asked for', async () => {
    const lies: LinesFound[] = [
      ...['', '{}', '[1]', '"text"', '{"a":1', '{"a":1}\n\ndata: forged', '{"a":\r1}'].map((line) => part([line])),
      part([`{"a":"${'x'.repeat(linesAnswerBytesMax)}"}`]),
      { ...nothing, parts: Array.from({ length: linesNodesMax + 1 }, () => part([]).parts[0]!) },
      { ...nothing, parts: [{ node: 'n', attempt: 0, from: -1, lines: [] }] },
      { ...nothing, more: true } as LinesFound,
    ]
    for (const lie of lies) {
      const { ask } = stage(async () => lie)
      expect(await ask()).toBeNull()
    }
  })

  test('are refused to a hub that has too many questions open, and not asked for beyond as many', async () => {
    let open = 0
    const { system, asks } = stage(() => {
      open++
      return new Promise(() => {})
    })
    const questions = Array.from({ length: 2 * linesAtOnce }, () => asks.ask('beta', asked))
    await passes(system, 0)
    expect(open).toBe(2 * linesOfHub)
    expect(await asks.ask('beta', asked)).toBeNull()
    await passes(system, linesAnswerMs)
    expect(new Set(await Promise.all(questions))).toEqual(new Set([null]))
    // Nobody waits there for the answer any more, and the other hub still has them all open.
    const late = asks.ask('beta', asked)
    await passes(system, 0)
    expect(await late).toEqual({ isHere: false, hasEvents: false, parts: [] })
  })
})
