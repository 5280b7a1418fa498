import { describe, expect, test } from 'vitest'
import { Life } from '../../../orchestrator/cluster/journal/life.ts'
import {
  bodiesOf,
  partBytes,
  type RecordPart,
  readPart,
  readWrites,
} from '../../../orchestrator/cluster/journal/record.ts'
import { sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import { removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { slotOfTask, taskEpoch } from '../../../orchestrator/cluster/roster/task-space.ts'
import type { StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import { recordPartBytesMax } from '../../../shared/limits/cluster/journal.ts'
import { good, networkOf, signedByAll, type TestHub, testHub } from '../../support/cluster/network.ts'
import {
  event,
  idempotencyRow,
  intentRow,
  newIntent,
  newKey,
  nonce,
  settle,
  taskRow,
} from '../../support/store/store-rows.ts'

const [alpha, beta, gamma, outside] = ['alpha', 'beta', 'gamma', 'delta'].map((name, at) => testHub(name, at + 1)) as [
  TestHub,
  TestHub,
  TestHub,
  TestHub,
]
const trio = networkOf([alpha, beta, gamma])
const withoutGamma = good(trio.extended(signedByAll(good(removing(trio, 'gamma')), [alpha, beta]).next))
const subject = 'chasm.test.intent.int_1'
const firstOf = (hub: TestHub) => taskEpoch(trio.slotOf(hub.identity.key)!, 1) * 2 ** 32
const task = firstOf(alpha)

const begin: StoreWrite[] = [newIntent(intentRow('int_1'), [taskRow(task, 'int_1')]), event('int_1', 1)]
const lease: StoreWrite = { write: 'lease', task, attempt: 1, nonce, scout: 'box', instance: 'i' }

interface Said {
  by: TestHub
  previous: number
  writes?: readonly StoreWrite[] | 'taken'
  epoch?: number
  boot?: number
  part?: Partial<RecordPart>
  /** Under which it was signed. */
  under?: string
}

function message({
  by,
  previous,
  writes = [lease],
  epoch = 3,
  boot = 1,
  part = {},
  under = subject,
}: Said): Uint8Array {
  const isTaken = writes === 'taken'
  const [body] = isTaken ? [new Uint8Array(0)] : bodiesOf(writes)!
  const kind = isTaken ? 'taken' : 'writes'
  const payload = partBytes({ kind, previous, part: 0, parts: 1, body: body!, ...part })
  return sealMessage({ from: { name: by.name, boot }, to: null, epoch, number: 1 }, under, payload, by.identity)
}

/** The kinds of the writes that count, and who has the intent in the end. */
function lived(said: readonly (Said | Uint8Array)[], chain: RosterChain = withoutGamma) {
  const life = new Life('int_1', subject)
  const kinds: string[] = []
  const all = said.map((one) => (one instanceof Uint8Array ? one : message(one)))
  const goesOn = all.every((bytes, at) => life.add({ subject, seq: at + 1, message: bytes }, chain))
  kinds.push(...life.take().map(({ write }) => write))
  return { kinds, owner: life.tip?.from, flaw: life.flaw, goesOn }
}

const begun: Said = { by: alpha, previous: 0, writes: begin }
const whole = { kinds: ['intent', 'event', 'lease'], owner: 'alpha', flaw: null, goesOn: true }

describe('a record', () => {
  test('comes back as it was written, also in parts', () => {
    const large = new Uint8Array(3 * recordPartBytesMax).map((_, at) => at % 251)
    const writes: StoreWrite[] = [...begin, lease, settle(task, { result: large })]
    const bodies = bodiesOf(writes)!
    expect(bodies.length).toBeGreaterThan(3)
    const parts = bodies.map(
      (body, at) => ({ kind: 'writes', previous: at, part: at, parts: bodies.length, body }) as const,
    )
    const back = parts.map((part) => readPart(partBytes(part))!)
    expect(back.map(({ previous, part }) => [previous, part])).toEqual(parts.map(({ part }) => [part, part]))
    expect(readWrites(back.map(({ body }) => body))).toEqual(writes)
  })

  test('is none when it is garbage, or has a write that does not travel', () => {
    for (const text of ['', '{}', '[{"write":"lease"}]', '[1]', '[{"write":"intent","intent":null}]']) {
      expect(readWrites([Buffer.from(text)])).toBeNull()
    }
    for (const write of [newKey('key_1'), { write: 'dropIntent', intent: 'int_2' } as const]) {
      expect(readWrites(bodiesOf([write])!)).toBeNull()
    }
    const bytes = partBytes({ kind: 'writes', previous: 1, part: 0, parts: 1, body: new Uint8Array(0) })
    for (let length = 0; length < bytes.length; length++) expect(readPart(bytes.subarray(0, length))).toBeNull()
  })
})

describe('the life of an intent', () => {
  test('is what the hub that has it writes, and goes on with who takes it', () => {
    expect(lived([begun, { by: alpha, previous: 1 }])).toEqual(whole)
    const taken: Said = { by: beta, previous: 1, writes: 'taken' }
    const story = lived([begun, taken, { by: beta, previous: 2 }])
    expect(story).toEqual({ ...whole, owner: 'beta' })
  })

  test('passes over what was put there by whoever is no authority, says nothing new, or does not follow', () => {
    const first = message(begun)
    const second = message({ by: alpha, previous: 1 })
    const garbled = Uint8Array.from(second)
    garbled[garbled.length - 1]! ^= 1
    const strangers: (Said | Uint8Array)[] = [
      { by: outside, previous: 1 },
      { by: outside, previous: 1, writes: 'taken' },
      // In the name of an authority, with another key.
      { by: { ...outside, name: 'alpha' }, previous: 1 },
      // Meant for another intent.
      { by: alpha, previous: 1, under: 'chasm.test.intent.int_2' },
      garbled,
      first,
      Buffer.from('nothing'),
      new Uint8Array(0),
      // Not by the hub that has it, and without taking it.
      { by: beta, previous: 1 },
      // The same hub after a new start, which has to take it first.
      { by: alpha, previous: 1, boot: 2 },
      // Of an epoch to come, and of one in which it was no authority.
      { by: alpha, previous: 1, epoch: 9 },
      { by: beta, previous: 1, epoch: 1, writes: 'taken' },
      // Behind what is not there.
      { by: alpha, previous: 99 },
    ]
    for (const stranger of strangers) expect(lived([first, stranger, second])).toEqual(whole)
    expect(lived([first, ...strangers, second])).toEqual(whole)
  })

  test('goes on behind the first of two that follow the same record', () => {
    const race: Said[] = [begun, { by: beta, previous: 1, writes: 'taken' }, { by: alpha, previous: 1 }]
    expect(lived(race)).toMatchObject({ kinds: ['intent', 'event'], owner: 'beta' })
  })

  test('goes on behind either of two copies of a record', () => {
    const second = message({ by: alpha, previous: 1, writes: [event('int_1', 2)] })
    for (const previous of [2, 3, 4]) {
      const story = lived([begun, second, second, second, { by: alpha, previous }])
      expect(story).toEqual({ ...whole, kinds: ['intent', 'event', 'event', 'lease'] })
      const taken = lived([begun, second, second, second, { by: beta, previous, writes: 'taken' }])
      expect(taken).toMatchObject({ kinds: ['intent', 'event', 'event'], owner: 'beta' })
    }
    expect(lived([begun, second, { by: alpha, previous: 2 }, second, { by: alpha, previous: 4 }]).kinds).toHaveLength(4)
  })

  test('cannot be taken back to an older epoch', () => {
    const story = lived([
      begun,
      { by: beta, previous: 1, writes: 'taken', epoch: 4 },
      { by: alpha, previous: 2, writes: 'taken' },
    ])
    expect(story.owner).toBe('beta')
  })

  test('is not taken by who was removed and signs with an old epoch, once another hub goes on', () => {
    const stolen: Said = { by: gamma, previous: 1, writes: 'taken', epoch: 3 }
    const story = [begun, stolen, { by: gamma, previous: 2, epoch: 3 }, { by: alpha, previous: 1, epoch: 4 }]
    expect(lived(story)).toEqual(whole)
    // While it was an authority its word counted.
    expect(lived([begun, stolen, { by: alpha, previous: 1 }], trio).owner).toBe('gamma')
  })

  test('has to be read anew when what was given out is cut off', () => {
    const life = new Life('int_1', subject)
    life.add({ subject, seq: 1, message: message(begun) }, withoutGamma)
    life.add({ subject, seq: 2, message: message({ by: gamma, previous: 1, writes: 'taken' }) }, withoutGamma)
    expect(life.take().map(({ write }) => write)).toEqual(['intent', 'event'])
    const back = message({ by: alpha, previous: 1, epoch: 4 })
    expect(life.add({ subject, seq: 3, message: back }, withoutGamma)).toBe(false)
  })

  test('counts a record of several parts once they are all there, and not what another hub has cut short', () => {
    const [one, two] = [0, 1].map((part): Said => ({ by: alpha, previous: part + 1, part: { part, parts: 2 } })) as [
      Said,
      Said,
    ]
    const body = bodiesOf([lease])![0]!
    const half = Math.floor(body.length / 2)
    one.part = { ...one.part, body: body.subarray(0, half) }
    two.part = { ...two.part, body: body.subarray(half) }
    expect(lived([begun, one]).kinds).toEqual(['intent', 'event'])
    expect(lived([begun, one, two])).toEqual(whole)
    const taken: Said = { by: beta, previous: 2, writes: 'taken' }
    expect(lived([begun, one, taken, two, { by: beta, previous: 3 }])).toEqual({ ...whole, owner: 'beta' })
  })

  test('is flawed when a record concerns anything but its intent, or tasks of another hub', () => {
    const others: StoreWrite[][] = [
      [newIntent(intentRow('int_2'), [])],
      [newIntent(intentRow('int_1'), [taskRow(firstOf(beta), 'int_1')])],
      [newIntent(intentRow('int_1'), [taskRow(7, 'int_1')])],
      [newIntent(intentRow('int_1'), [taskRow(task, 'int_2')])],
      [...begin, settle(task + 1)],
      [...begin, ...begin],
      [...begin, event('int_2', 1)],
      [...begin, { write: 'intentEnd', intent: 'int_2', state: 'failed', fault: null, finishedMs: 1 }],
      [...begin, { write: 'idempotency', row: idempotencyRow('k', { tenant: 'key_b' }) }],
      [...begin, { write: 'requestsAhead', intent: 'int_1', tasks: [firstOf(beta)], requests: [Uint8Array.of(1)] }],
    ]
    for (const writes of others) expect(lived([{ by: alpha, previous: 0, writes }]).flaw).not.toBeNull()
    expect(slotOfTask(task)).toBe(1)
  })
})
