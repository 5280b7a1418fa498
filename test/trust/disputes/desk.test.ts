/**
 * The dispute desk by itself, on a clock that a test moves: a dispute ends in its time whatever happens, goes on after
 * a restart where it was, and keeps no text longer than it needs.
 */
import { describe, expect, test } from 'vitest'
import { Keyring } from '../../../orchestrator/engine/keyring.ts'
import type { Answer, Submission } from '../../../orchestrator/engine/ports/client.ts'
import type { Store } from '../../../orchestrator/engine/ports/store.ts'
import { auditTenant } from '../../../orchestrator/engine/ports/trust/witness.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import type { HearingEngine } from '../../../orchestrator/trust/desk/hearings/hearing.ts'
import { defaultTrustSettings, type TrustParts } from '../../../orchestrator/trust/desk/parts.ts'
import { DisputeDesk } from '../../../orchestrator/trust/dispute-desk.ts'
import { TrustDesk } from '../../../orchestrator/trust/trust-desk.ts'
import { appealWindowMs, disputeWindowMs, hearingMs, rulingWindowMs } from '../../../shared/limits/trust/disputes.ts'
import { realSystem } from '../../../shared/system.ts'
import { TurnLane } from '../../../shared/turn-lane.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { intentRow, newIntent, nonce, settle, taskRow } from '../../support/store/store-rows.ts'

const tickMs = 600_000

/** Its clock is moved by hand, and its entropy is as good as any. */
class Clock extends ManualSystem {
  override readonly randomBytes = realSystem().randomBytes
}

const bytes = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)))
const request = { model: 'm', messages: [{ role: 'user', content: 'What is a chasm?' }] }
const answerOf = (content: string) => ({ choices: [{ index: 0, message: { role: 'assistant', content } }] })

/** A store with one durable answer of `ops/ant` to `key_a`. */
function storeWithAnswer(system: ManualSystem): Store {
  const store = memoryStore()
  const served = JSON.stringify({ scout: 'ops/ant', provider: 'p', model: 'm' })
  const intent = intentRow('int_1', { tenant: 'key_a', resultNode: 'answer', createdMs: system.wallMs() })
  const { tasks } = newIntent(intent, [taskRow(7, 'int_1', { node: 'answer', needs: '[]', terms: null })])
  store.commit([{ write: 'intent', intent, tasks, requests: [bytes(request)] }])
  store.commit([{ write: 'lease', task: 7, attempt: 1, nonce, scout: 'ops/ant', instance: 'i' }])
  store.commit([{ ...settle(7, { attempt: 1, nonce }), served, result: bytes(answerOf('A hole in a sock.')) }])
  return store
}

/** Others say the same; judges find whatever does not say it. */
const truth = 'A deep crack in the ground.'

function says(body: Uint8Array): string {
  const { messages } = JSON.parse(Buffer.from(body).toString()) as { messages: { content: string }[] }
  const last = messages.at(-1)!.content
  if (!last.startsWith('{"request":')) return truth
  const { answers } = JSON.parse(last) as { answers: Record<string, string> }
  const fails = Object.keys(answers).filter((letter) => answers[letter] !== truth)
  return JSON.stringify({ fails, why: 'It is no crack.' })
}

class PlayedEngine {
  readonly asked: Submission[] = []

  constructor(public idle: string[]) {}

  submit(submission: Submission): Answer {
    this.asked.push(submission)
    const [scout] = submission.routing!.only!
    const end = { type: 'done', body: bytes(answerOf(says(submission.body))) }
    const answer = {
      served: { scout, provider: 'p', model: 'm' },
      take: () => ({ lines: [], end }),
      onReadable: () => {},
    }
    return answer as unknown as Answer
  }

  idleScouts() {
    return this.idle.map((scout) => ({ scout, operator: scout.split('/')[0]!, provider: 'p' }))
  }

  models() {
    return []
  }

  markTrust() {}

  ownersOf() {
    return new Map()
  }

  isConnected() {
    return true
  }
}

function deskOn(store: Store, system: ManualSystem, played: PlayedEngine, kept = Promise.resolve()) {
  const engine = played as unknown as HearingEngine
  const settings = { ...defaultTrustSettings, tickMs }
  const write = (one: Parameters<Store['commit']>[0][number]) => store.commit([one])
  const keep: TrustParts['keep'] = (one, then) => {
    write(one)
    then?.()
  }
  const trust = new TrustDesk({ system, engine, store, keep, settings })
  const desk = new DisputeDesk({
    ...{ system, engine, store, settings, ledger: null, lane: new TurnLane(system), trust: trust.book },
    keyring: new Keyring(store, new Uint8Array(32), system),
    settledTasks: () => 0,
    write: (...all) => Promise.resolve(store.commit(all)),
    promise: (one) => kept.then(() => write(one)).then(() => null),
  })
  desk.start()
  return desk
}

/** Lets time go by in steps, and what waits for promises go on between them. */
async function pass(system: ManualSystem, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += tickMs) {
    system.pass(tickMs)
    for (let turn = 0; turn < 40; turn++) await Promise.resolve()
  }
}

const filing = {
  tenant: 'key_a',
  reason: 'wrong',
  comment: 'A sock!',
  about: { type: 'node', intent: 'int_1', node: null },
} as const

async function filed(desk: DisputeDesk): Promise<string> {
  const view = await desk.file(filing)
  if ('code' in view) throw new Error(view.message)
  return view.id
}

const others = ['bee', 'cow', 'dog', 'elk', 'fox', 'gnu'].map((name) => `${name}/s`)

describe('a dispute', () => {
  test('of whom nobody can be asked is undecided in a day, and final when nobody appeals', async () => {
    const system = new Clock()
    const store = storeWithAnswer(system)
    // Only the accused and the client have scouts.
    const desk = deskOn(store, system, new PlayedEngine(['ops/ant', 'ops/bee', 'key_a/mine']))
    const id = await filed(desk)
    await pass(system, hearingMs - 3 * tickMs)
    expect(desk.find(id, 'client', 'key_a')).toMatchObject({ state: 'rerunning' })
    await pass(system, 5 * tickMs)
    expect(desk.find(id, 'client', 'key_a')).toMatchObject({ state: 'undecided', hearings: [{ reruns: 0 }] })
    expect(store.disputeTexts(id)).toBeDefined()
    await pass(system, appealWindowMs + 3 * tickMs)
    expect(desk.find(id, 'client', 'key_a')).toMatchObject({ state: 'final', verdict: 'undecided' })
    expect(store.disputeTexts(id)).toBeUndefined()
    expect(desk.counts()).toMatchObject({ open: {}, filed: 1, verdicts: { undecided: 1 }, tasks: 0 })
  })

  test('is heard by owners who have no part in it, as requests of nobody', async () => {
    const system = new Clock()
    const played = new PlayedEngine(['ops/ant', 'key_a/mine', ...others])
    const desk = deskOn(storeWithAnswer(system), system, played)
    const id = await filed(desk)
    await pass(system, 20 * tickMs)
    expect(desk.find(id, 'scout', 'ops')).toMatchObject({ state: 'upheld', scout: 'ops/ant', comment: null })
    expect(desk.find(id, 'scout', 'bee')).toBeUndefined()
    const [one, two, three, ...judged] = played.asked
    for (const rerun of [one, two, three]) expect(Buffer.from(rerun!.body).toString()).toBe(JSON.stringify(request))
    // Two judges in two orders.
    expect(judged).toHaveLength(4)
    for (const { tenant, priority, routing } of played.asked) {
      expect([tenant, priority]).toEqual([auditTenant, 0])
      expect(routing!.only!.filter((scout) => /^(ops|key_a)\//.test(scout))).toEqual([])
    }
    const owners = played.asked.map(({ routing }) => routing!.only![0]!)
    expect(new Set(owners).size).toBe(5)
  })

  test('is heard only once it is kept', async () => {
    const system = new Clock()
    const played = new PlayedEngine(others)
    const kept = Promise.withResolvers<void>()
    const desk = deskOn(storeWithAnswer(system), system, played, kept.promise)
    const filingNow = filed(desk)
    await pass(system, 10 * tickMs)
    expect([played.asked.length, desk.counts().open]).toEqual([0, {}])
    kept.resolve()
    const id = await filingNow
    await pass(system, 20 * tickMs)
    expect(desk.find(id, 'client', 'key_a')).toMatchObject({ state: 'upheld' })
  })

  test('goes on after a restart where it was', async () => {
    const system = new Clock()
    const store = storeWithAnswer(system)
    const first = new PlayedEngine(others)
    const desk = deskOn(store, system, first)
    const id = await filed(desk)
    while (first.asked.length < 2) await pass(system, tickMs)
    desk.stop()
    const second = new PlayedEngine(others)
    const again = deskOn(store, system, second)
    await pass(system, 20 * tickMs)
    expect(again.find(id, 'client', 'key_a')).toMatchObject({ state: 'upheld', hearings: [{ reruns: 3 }] })
    // One more rerun, two judges in two orders; none of those who were asked before.
    expect(second.asked).toHaveLength(5)
    expect(await again.file(filing)).toMatchObject({ code: 'dispute_exists' })
  })

  test('adds to doubt once, at its end, and tells the accused that it can appeal before', async () => {
    const system = new Clock()
    const store = storeWithAnswer(system)
    const desk = deskOn(store, system, new PlayedEngine(others))
    const id = await filed(desk)
    await pass(system, 20 * tickMs)
    expect(desk.find(id, 'scout', 'ops')!.sentences.at(-1)).toMatch(/^You can appeal for 2 d/)
    expect(desk.find(id, 'client', 'key_a')!.sentences.at(-1)).toMatch(/^The other side can appeal/)
    expect(await desk.appeal(id, 'key_a')).toMatchObject({ code: 'mismatch' })
    expect(await desk.appeal(id, 'bee')).toMatchObject({ code: 'not_found' })
    await pass(system, appealWindowMs)
    expect(desk.find(id, 'scout', 'ops')).toMatchObject({ state: 'final', verdict: 'upheld', clawed: 0 })
    expect(await desk.appeal(id, 'ops')).toMatchObject({ code: 'too_late' })
  })
})

describe('an administrator', () => {
  const admin = { id: 'acc_admin', address: '::1' }
  const why = 'The first sentence is made up.'

  /** An answer that nine judges found wanting, after the owner of its scout has appealed. */
  async function appealed() {
    const system = new Clock()
    const store = storeWithAnswer(system)
    const many = Array.from({ length: 20 }, (_, at) => `o${at}/s`)
    const desk = deskOn(store, system, new PlayedEngine(many))
    const id = await filed(desk)
    await pass(system, 20 * tickMs)
    expect(desk.find(id, 'scout', 'ops')).toMatchObject({ state: 'upheld', rulingEndsMs: null })
    expect(await desk.rule(id, { verdict: 'rejected', why }, admin)).toMatchObject({ code: 'mismatch' })
    expect(desk.appealed()).toEqual([])
    expect(await desk.appeal(id, 'ops')).toMatchObject({ state: 'appealed' })
    expect(await desk.rule(id, { verdict: 'rejected', why }, admin)).toMatchObject({ code: 'mismatch' })
    await pass(system, 40 * tickMs)
    expect(desk.find(id, 'scout', 'ops')).toMatchObject({ state: 'upheld', hearings: [{}, { verdict: 'upheld' }] })
    return { system, store, desk, id }
  }

  test('has the last word after an appeal, which both sides read, and the log keeps', async () => {
    const { system, store, desk, id } = await appealed()
    expect(desk.find(id, 'scout', 'ops')!.sentences.at(-1)).toMatch(/^It stands in 2 d .* unless an administrator/)
    expect(desk.appealed()).toMatchObject([{ id, side: 'admin', scout: 'ops/ant', comment: 'A sock!' }])
    expect(desk.forAdmins(id)).toMatchObject({ tenant: 'key_a', texts: { request: JSON.stringify(request) } })
    const ruled = await desk.rule(id, { verdict: 'rejected', why }, admin)
    expect(ruled).toMatchObject({ state: 'final', verdict: 'rejected', ruling: { verdict: 'rejected', why } })
    for (const [side, owner] of [
      ['client', 'key_a'],
      ['scout', 'ops'],
    ] as const)
      expect(desk.find(id, side, owner)!.sentences[0]).toBe(`An administrator decided that the answer holds: ${why}`)
    expect(store.audit({ limit: 9 })).toMatchObject([
      {
        ...{ actor: 'acc_admin', address: '::1', action: 'dispute.ruled', subject: id },
        ...{ before: '{"verdict":"upheld"}', after: JSON.stringify({ verdict: 'rejected', why }) },
      },
    ])
    expect(await desk.rule(id, { verdict: 'upheld', why }, admin)).toMatchObject({ code: 'too_late' })
    await pass(system, 4 * tickMs)
    expect(desk.counts()).toMatchObject({ open: {}, verdicts: { rejected: 1, upheld: 0 } })
    expect(desk.forAdmins(id)).toMatchObject({ texts: null })
  })

  test('who says nothing lets the verdict stand, and it counts once', async () => {
    const { system, store, desk, id } = await appealed()
    await pass(system, rulingWindowMs - 60 * tickMs)
    expect(desk.find(id, 'client', 'key_a')).toMatchObject({ state: 'upheld' })
    await pass(system, 62 * tickMs)
    expect(desk.find(id, 'client', 'key_a')).toMatchObject({ state: 'final', verdict: 'upheld', ruling: null })
    expect(desk.counts()).toMatchObject({ verdicts: { upheld: 1 } })
    expect(store.audit({ limit: 9 })).toEqual([])
  })

  test('is told that there is no such dispute', async () => {
    const system = new Clock()
    const desk = deskOn(storeWithAnswer(system), system, new PlayedEngine(others))
    expect(await desk.rule('dsp_x', { verdict: 'upheld', why }, admin)).toMatchObject({ code: 'not_found' })
    expect(desk.forAdmins('dsp_x')).toBeUndefined()
  })
})

test('what is too old, or somebody else’s, cannot be disputed', async () => {
  const system = new Clock()
  const desk = deskOn(storeWithAnswer(system), system, new PlayedEngine([]))
  expect(await desk.file({ ...filing, tenant: 'key_b' })).toMatchObject({ code: 'not_found' })
  expect(await desk.file({ ...filing, about: { ...filing.about, node: 'other' } })).toMatchObject({ code: 'not_found' })
  system.stand(disputeWindowMs + 1)
  expect(await desk.file(filing)).toMatchObject({ code: 'too_late' })
})
