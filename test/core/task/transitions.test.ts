/**
 * The life of a task as two tables: which state may follow which, and what each kind of event does to a task in each
 * situation. A cell names the effects in order and the state the task is in afterwards.
 */

import { describe, expect, test } from 'vitest'
import type { Event } from '../../../orchestrator/core/events.ts'
import type { Task } from '../../../orchestrator/core/model/object-graph.ts'
import { isTerminal, move, taskMoves } from '../../../orchestrator/core/model/task.ts'
import { fault } from '../../../shared/faults.ts'
import type { Outcome } from '../../../shared/task.ts'
import type { TaskState } from '../../../shared/task-state.ts'
import { CoreHarness, type Grant, offersOf } from '../../support/hub/core-harness.ts'

const states = Object.keys(taskMoves) as TaskState[]

const legal: readonly [TaskState, TaskState][] = [
  ['blocked', 'ready'],
  ['blocked', 'deciding'],
  ['blocked', 'failed'],
  ['blocked', 'cancelled'],
  ['blocked', 'skipped'],
  ['ready', 'leased'],
  ['ready', 'failed'],
  ['ready', 'cancelled'],
  ['delayed', 'ready'],
  ['delayed', 'failed'],
  ['delayed', 'cancelled'],
  ['leased', 'ready'],
  ['leased', 'delayed'],
  ['leased', 'done'],
  ['leased', 'failed'],
  ['leased', 'cancelled'],
  ['deciding', 'blocked'],
  ['deciding', 'done'],
  ['deciding', 'failed'],
  ['deciding', 'cancelled'],
]

describe('the moves of a task', () => {
  for (const from of states) {
    for (const to of states) {
      const isLegal = legal.some(([a, b]) => a === from && b === to)
      test(`${from} -> ${to} is ${isLegal ? 'legal' : 'refused'}`, () => {
        const task = { id: 1, state: from } as Task
        if (isLegal) move(task, to)
        else expect(() => move(task, to)).toThrow('no legal move')
        expect(task.state).toBe(isLegal ? to : from)
      })
    }
  }

  test('nothing leads out of the terminal states', () => {
    const terminal = states.filter((state) => isTerminal({ state } as Task))
    expect(terminal).toEqual(['done', 'failed', 'cancelled', 'skipped'])
  })
})

const situations = ['ready', 'delayed', 'leased', 'content', 'orphaned', 'terminal'] as const
type Situation = (typeof situations)[number]

interface Scene {
  bench: CoreHarness
  session: number
  task: number
  grant: Grant
}

/** One scout, one task, and the task in the situation; effects so far are forgotten. */
function scene(situation: Situation): Scene {
  const bench = new CoreHarness({ retryBaseMs: 1 })
  const session = bench.join(['m'], situation === 'ready' ? 0 : 1)
  const task = bench.submit()
  if (situation === 'ready') {
    const unborn = { type: 'grant', session, task, attempt: 1, nonce: new Uint8Array(16) } as Grant
    return { bench, session, task, grant: unborn }
  }
  const grant = bench.grant()
  bench.started(grant)
  if (situation === 'delayed') bench.settle(grant, 'failed')
  if (situation === 'content' || situation === 'orphaned') bench.content(grant)
  if (situation === 'orphaned') bench.gone(session)
  if (situation === 'terminal') bench.settle(grant)
  return { bench, session, task, grant }
}

const broken = fault('chunk_gap', 'There is a gap.')

function settle({ session, task, grant }: Scene, outcome: Outcome, nonce = grant.nonce): Event {
  const cause = outcome === 'done' ? null : fault('scout_error', 'It failed.')
  return {
    type: 'settle',
    session,
    task,
    attempt: grant.attempt,
    nonce,
    outcome,
    fault: cause,
    tokens: 0,
    provider: '',
    credits: 0,
  }
}

function rejoin({ task, grant }: Scene, instance: string): Event {
  const held = [{ task, attempt: grant.attempt, nonce: grant.nonce }]
  const who = { session: 77, scout: 'operator/s1', operator: 'operator', instance, concurrency: 4 }
  return { type: 'scoutJoined', ...who, offers: offersOf('m'), held }
}

const events: Record<string, (scene: Scene) => Event> = {
  'cancel by the client': ({ task }) => ({ type: 'cancel', task, fault: fault('cancelled', 'Gone.') }),
  'the same process joins anew': (it) => rejoin(it, 'i1'),
  'another process of it joins': (it) => rejoin(it, 'other'),
  'offers without the model': ({ session }) => ({ type: 'scoutOffers', session, concurrency: 4, offers: [] }),
  credit: ({ session }) => ({ type: 'credit', session, count: 1 }),
  'its session ends its claims': ({ session }) => ({ type: 'claimsEnded', session }),
  'scout drains': ({ session }) => ({ type: 'scoutDraining', session }),
  'scout gone': ({ session }) => ({ type: 'scoutGone', session }),
  started: ({ session, task, grant }) => ({
    type: 'started',
    session,
    task,
    attempt: grant.attempt,
    provider: 'another',
  }),
  'content began': ({ task, grant }) => ({ type: 'contentBegan', task, attempt: grant.attempt }),
  renewed: ({ session, task, grant }) => ({ type: 'renewed', session, task, attempt: grant.attempt }),
  'renewed, by a stranger': ({ task, grant }) => ({ type: 'renewed', session: 99, task, attempt: grant.attempt }),
  heartbeat: ({ session }) => ({ type: 'heartbeat', session }),
  'attempt broken': ({ task, grant }) => ({ type: 'attemptBroken', task, attempt: grant.attempt, fault: broken }),
  'an older attempt broken': ({ task }) => ({ type: 'attemptBroken', task, attempt: 0, fault: broken }),
  done: (it) => settle(it, 'done'),
  failed: (it) => settle(it, 'failed'),
  released: (it) => settle(it, 'released'),
  cancelled: (it) => settle(it, 'cancelled'),
  'done, with a forged nonce': (it) => settle(it, 'done', new Uint8Array(16).fill(9)),
  drain: () => ({ type: 'drain' }),
  tick: () => ({ type: 'tick' }),
}

const nothing: Record<Situation, string> = {
  ready: 'ready',
  delayed: 'delayed',
  leased: 'leased',
  content: 'leased',
  orphaned: 'leased',
  terminal: 'over',
}

const ended = 'finished > over'
const stale = {
  ready: 'verdict stale > ready',
  delayed: 'verdict stale > delayed',
  orphaned: 'leased',
  terminal: 'verdict stale > over',
}
const repeated = { delayed: 'verdict committed > delayed', terminal: 'verdict committed > over' }

/** What differs from `nothing`. */
const expected: Record<string, Partial<Record<Situation, string>>> = {
  'cancel by the client': {
    ready: ended,
    delayed: ended,
    leased: `cancelAttempt, ${ended}`,
    content: `cancelAttempt, ${ended}`,
    orphaned: ended,
  },
  'its session ends its claims': {},
  'the same process joins anew': {
    ready: 'closeSession, welcome stale > ready',
    delayed: 'closeSession, welcome committed > delayed',
    leased: 'closeSession, welcome resumed > leased',
    content: 'closeSession, welcome resumed > leased',
    orphaned: 'welcome resumed > leased',
    terminal: 'closeSession, welcome committed > over',
  },
  'another process of it joins': {
    ready: 'welcome stale > ready',
    delayed: 'welcome committed > delayed',
    leased: 'welcome stale > leased',
    content: 'welcome stale > leased',
    orphaned: 'welcome stale > leased',
    terminal: 'welcome committed > over',
  },
  'offers without the model': {},
  credit: { ready: 'grant > leased' },
  'scout drains': {},
  'scout gone': { leased: 'attemptVoid > delayed' },
  started: {
    ready: 'cancelAttempt > ready',
    delayed: 'cancelAttempt > delayed',
    leased: 'servedBy > leased',
    content: 'servedBy > leased',
    terminal: 'cancelAttempt > over',
  },
  'content began': {},
  renewed: { ready: 'cancelAttempt > ready', delayed: 'cancelAttempt > delayed', terminal: 'cancelAttempt > over' },
  'renewed, by a stranger': {},
  heartbeat: {},
  'attempt broken': {
    leased: 'cancelAttempt, attemptVoid > delayed',
    content: `cancelAttempt, ${ended}`,
    orphaned: ended,
  },
  'an older attempt broken': {},
  done: {
    ...stale,
    ...repeated,
    leased: 'finished, verdict committed > over',
    content: 'finished, verdict committed > over',
  },
  failed: {
    ...stale,
    ...repeated,
    leased: 'attemptVoid, verdict committed > delayed',
    content: 'finished, verdict committed > over',
  },
  released: {
    ...stale,
    ...repeated,
    leased: 'attemptVoid, verdict committed > ready',
    content: 'finished, verdict committed > over',
  },
  cancelled: {
    ...stale,
    ...repeated,
    leased: 'attemptVoid, verdict committed > delayed',
    content: 'finished, verdict committed > over',
  },
  'done, with a forged nonce': { ...stale, leased: 'verdict stale > leased', content: 'verdict stale > leased' },
  drain: { ready: ended, delayed: ended },
  tick: {},
}

/** The effects and the state the task is in afterwards. */
function outcomeOf(it: Scene, event: Event): string {
  const effects = it.bench.step(event).map((effect) => {
    if (effect.type === 'verdict') return `verdict ${effect.verdict}`
    return effect.type === 'welcome' ? `welcome ${effect.held[0]?.verdict}` : effect.type
  })
  const state = it.bench.state.tasks.get(it.task)?.state ?? 'over'
  return effects.length === 0 ? state : `${effects.join(', ')} > ${state}`
}

describe('an event meets a task', () => {
  for (const [name, make] of Object.entries(events)) {
    for (const situation of situations) {
      const wanted = expected[name]![situation] ?? nothing[situation]
      test(`${name}; the task is ${situation}: ${wanted}`, () => {
        const it = scene(situation)
        expect(outcomeOf(it, make(it))).toBe(wanted)
      })
    }
  }

  test('every kind of event is in the table', () => {
    const made = new Set(Object.values(events).map((make) => make(scene('leased')).type))
    const inOwnTest: Event['type'][] = [
      ...(['submit', 'adopt', 'accept', 'cancelIntent', 'unsent'] as const),
      ...(['decided', 'expanded', 'decisionFailed', 'storeTroubled', 'storeRecovered', 'stood', 'trust'] as const),
    ]
    const all: Record<Event['type'], true> = {
      submit: true,
      adopt: true,
      accept: true,
      cancelIntent: true,
      decided: true,
      expanded: true,
      decisionFailed: true,
      cancel: true,
      scoutJoined: true,
      claimsEnded: true,
      scoutOffers: true,
      credit: true,
      scoutDraining: true,
      scoutGone: true,
      started: true,
      contentBegan: true,
      renewed: true,
      heartbeat: true,
      attemptBroken: true,
      unsent: true,
      settle: true,
      storeTroubled: true,
      storeRecovered: true,
      drain: true,
      stood: true,
      tick: true,
      trust: true,
    }
    expect([...made, ...inOwnTest].sort()).toEqual(Object.keys(all).sort())
  })
})
