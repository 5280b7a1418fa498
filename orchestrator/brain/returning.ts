/**
 * Edges that outlived the brain before this one: what they present is gathered until all of them have, or for a short
 * time, because the two ends of an attempt may be at two edges. Then sessions join, tasks go on with the attempts that
 * both ends know, and what only one end knows is ended. What edges send meanwhile waits behind.
 */
import type { HubEngine } from '../engine/engine.ts'
import type { FromScouts } from '../engine/ports/brain.ts'
import type { ToBrain, ToEdgeOf } from '../link/control.ts'
import type { PresentedLease, PresentedSession, PresentedTask } from '../link/presented.ts'

type Work = PresentedSession['work'][number]

/** One edge on its way back. */
export interface Returning<Message = ToBrain> {
  sessions: PresentedSession[]
  tasks: PresentedTask[]
  /** It has presented all. */
  isWhole: boolean
  /** It has started anew, has nothing to present, and waits for the others: what those have counts first. */
  isNew: boolean
  /** What came after that. */
  later: { message: Message; body: Uint8Array | null }[]
}

export function nothingYet<Message>(isNew: boolean): Returning<Message> {
  return { sessions: [], tasks: [], isWhole: isNew, isNew, later: [] }
}

/** One of the edges, as far as it is needed here. */
interface Place {
  returning: Pick<Returning, 'sessions' | 'tasks'>
  send(message: ToEdgeOf): void
  /** A session is there again. */
  joined(session: number): void
}

/** Work of a session that no task has been found for so far. */
interface Claim extends Work {
  session: number
  send: Place['send']
}

/** What becomes of a task's attempts. */
interface Found {
  kept: PresentedLease[]
  lost: PresentedLease[]
}

/** Takes all of it over. */
export function takeOver(engine: HubEngine, back: readonly Place[]): { sessions: number; tasks: number } {
  const carried = new Set(back.flatMap(({ returning }) => returning.tasks.map(({ submitted }) => submitted.task)))
  const places = back.map((place) => withoutDurable(engine, carried, place))
  const claims = claimsOf(places)
  const there = new Set(places.flatMap(({ returning }) => returning.sessions.map(({ greeting }) => greeting.session)))
  const found = new Map<PresentedTask, Found>()
  for (const { returning } of places) {
    for (const task of returning.tasks) {
      const [kept, lost]: [PresentedLease[], PresentedLease[]] = [[], []]
      for (const lease of task.leases) {
        const { session, ends } = lease
        const isHeld = claims.delete(nameOf(session, task.submitted.task, lease.attempt))
        const ended = (how: string) => ends.some(({ type }) => type === how)
        // What was settled has its verdict already, where its scout does not hold it any more.
        const isKept = !ended('unsent') && (isHeld || (ended('settle') && there.has(session)))
        if (isKept) kept.push(lease)
        else lost.push(lease)
      }
      found.set(task, { kept, lost })
    }
  }
  for (const place of places) for (const session of place.returning.sessions) join(engine, place, session)
  // Prices and models are known by who is there.
  engine.flush()
  for (const { returning, send } of places) {
    for (const task of returning.tasks) if (task.attempt > 0) adopt(engine, send, task, found.get(task)!)
  }
  // Of others it is not known whether they were let in: that is decided anew, when all that was is counted.
  for (const { returning } of places) {
    for (const task of returning.tasks) if (task.attempt === 0) submit(engine, task)
  }
  for (const claim of claims.values()) end(engine, claim)
  engine.flush()
  return { sessions: there.size, tasks: found.size }
}

function claimsOf(places: readonly Place[]): Map<string, Claim> {
  const claims = new Map<string, Claim>()
  for (const { returning, send } of places) {
    for (const { greeting, work, isWelcome } of returning.sessions) {
      const { session } = greeting
      // Another one presents its work with its hello.
      if (!isWelcome) continue
      for (const one of work) claims.set(nameOf(session, one.task, one.attempt), { ...one, session, send })
    }
  }
  return claims
}

/**
 * Sessions with durable work have to dial again: the answer of such a task is sent anew from its begin. What their
 * scouts do for clients besides is not held by anybody then. In a network it is known only later which intents this hub
 * goes on with: what no edge carries may be of one of them, and is presented again.
 */
function withoutDurable({ core, intents }: HubEngine, carried: ReadonlySet<number>, place: Place): Place {
  const { sessions, tasks } = place.returning
  const mayBeDurable = ({ task }: Work) =>
    core.state.tasks.get(task)?.intent || (intents.isShared && !carried.has(task))
  const staying = sessions.filter(({ greeting: { session }, isWelcome, work }) => {
    const isDurable = isWelcome && work.some(mayBeDurable)
    if (isDurable) place.send({ type: 'closeSession', session, why: 'hubDraining' })
    return !isDurable
  })
  const { send, joined } = place
  return { send, joined, returning: { sessions: staying, tasks } }
}

function join({ port }: HubEngine, place: Place, presented: PresentedSession): void {
  const { greeting, isWelcome, isDraining, credits: count } = presented
  const { session, hello } = greeting
  place.joined(session)
  const tell = (message: FromScouts) => port.fromScouts(message)
  tell({ type: 'joined', greeting: isWelcome ? { ...greeting, hello: { ...hello, held: [] } } : greeting })
  if (count > 0) tell({ type: 'credit', session, count })
  if (isDraining) tell({ type: 'scoutDraining', session })
}

function adopt(
  { port }: HubEngine,
  send: Place['send'],
  { submitted, attempt, queuedMs, began, cancel }: PresentedTask,
  { kept, lost }: Found,
): void {
  const leases = kept.map(({ ends: _ends, ...lease }) => lease)
  port.fromClients({ ...submitted, type: 'adopt', attempt, queuedMs, contentBegan: began !== null, leases })
  const ends = kept.flatMap(({ ends: reports }) => reports)
  for (const message of [began, ...ends, cancel]) if (message !== null) port.fromClients(message)
  // Its scout is gone, or it was on its way to one whose edge does not let it in any more.
  for (const { attempt: of } of lost) send({ type: 'attemptVoid', task: submitted.task, attempt: of })
}

function submit({ port }: HubEngine, { submitted, cancel }: PresentedTask): void {
  port.fromClients(submitted)
  if (cancel !== null) port.fromClients(cancel)
}

/** Nobody waits for this any more: a sign of life of such work is answered with a cancel. */
function end({ port }: HubEngine, { session, task, attempt, nonce, isSettled, send }: Claim): void {
  if (isSettled) send({ type: 'verdict', session, task, attempt, nonce, verdict: 'stale' })
  else port.fromClients({ type: 'renewed', session, task, attempt })
}

function nameOf(session: number, task: number, attempt: number): string {
  return `${session}/${task}/${attempt}`
}
