/**
 * The brain of a simulated hub as the checker sees it: what edges report is told before it is stepped, and what is
 * decided before it leaves, as frames, so that all that holds of a hub of one process is judged of its brain.
 */
import type { Edges } from '../../../orchestrator/brain/edges.ts'
import type { AwayEdges, HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { FromClients, FromScouts, ToClients, ToScouts } from '../../../orchestrator/engine/ports/brain.ts'
import type { FrameOf, HubFrame } from '../../../shared/protocol/frames.ts'
import type { Checker } from '../checks/invariants.ts'
import type { WireChecks } from './wire-checks.ts'

interface TapParts {
  checker: Checker
  wire: WireChecks
  /** Of the brain. */
  epoch: number
  isAlive: () => boolean
  nowMs: () => number
  /** Whether this report is a turn of its own. */
  isAlone: () => boolean
  /** At this very point the brain may die. */
  burn: (where: string) => void
  /** A task that a client waited for is over. */
  over: (task: number) => void
}

const none = new Uint8Array(0)

// ------------------------------------------------------------ to the edges

/** The edges, with the checker hearing everything first. */
export function tappedEdges(edges: () => Edges, { checker, wire, epoch, isAlive, burn, over }: TapParts): AwayEdges {
  /** Their sockets are being closed: what was granted before may still come, and meets nobody. */
  const closing = new Set<number>()
  const sent = (session: number, frame: HubFrame, body?: Uint8Array) => {
    if (!isAlive()) return
    burn('before a message')
    if (frame.type === 'task' && closing.has(session)) return
    checker.sent(session, frame, body)
  }
  const { holders, texts } = lazily(edges)
  return {
    texts,
    toClients(message) {
      const isAway = edges().toClients(message)
      if (!isAway) return false
      if (message.type === 'grant') {
        wire.granted(message.session, message.task, message.attempt, epoch)
        sent(message.session, taskOf(message), none)
      }
      if (message.type === 'finished') {
        wire.receipts.finished(message.task, message.fault === null)
        over(message.task)
      }
      return true
    },
    toScouts(message) {
      const frame = frameOf(message)
      if (frame !== null) sent(message.session, frame)
      if (message.type === 'closeSession') {
        closing.add(message.session)
        checker.ledger.closed(message.session)
      }
      edges().toScouts(message)
    },
    holders: {
      ...holders,
      task(session, grant, request) {
        wire.granted(session, grant.task, grant.attempt, epoch)
        sent(session, taskOf(grant), request)
        return edges().holders.task(session, grant, request)
      },
    },
  }
}

/** The edges are made after the engine that they are a part of. */
function lazily(edges: () => Edges): Pick<AwayEdges, 'holders' | 'texts'> {
  return {
    texts: {
      beside: (own) => edges().texts.beside(own),
      asks: (tenant) => edges().texts.asks(tenant),
      holds: (tenant, texts) => edges().texts.holds(tenant, texts),
    },
    holders: {
      task: (...what) => edges().holders.task(...what),
      cancel: (...what) => edges().holders.cancel(...what),
      flow: (...what) => edges().holders.flow(...what),
      resumed: (...what) => edges().holders.resumed(...what),
    },
  }
}

type Granted = Pick<Extract<ToClients, { type: 'grant' }>, 'task' | 'attempt' | 'nonce'>

/** As much of a task's frame as is judged. */
function taskOf({ task, attempt, nonce }: Granted): FrameOf<'task'> {
  return { type: 'task', task, attempt, nonce } as FrameOf<'task'>
}

function frameOf(message: ToScouts): HubFrame | null {
  switch (message.type) {
    case 'cancelAttempt':
      return { type: 'cancel', task: message.task, attempt: message.attempt, reason: message.reason }
    case 'verdict':
      return { type: 'settled', acks: [[message.task, message.attempt, message.verdict]] }
    case 'welcome': {
      const held = message.welcome.held.map(({ task, attempt, verdict, nextChunk }) => {
        return [task, attempt, verdict, nextChunk] as [number, number, typeof verdict, number]
      })
      return { type: 'welcome', held } as unknown as FrameOf<'welcome'>
    }
    default:
      return null
  }
}

// ------------------------------------------------------------ from the edges

/** Lets the checker hear all that the brain is told; also by the parts of its own process. */
export function tapPort({ port }: HubEngine, parts: TapParts): void {
  const { checker, isAlone } = parts
  const { fromClients, fromScouts } = port
  /** What the checker expects of a report holds once it is stepped; others may share a turn with later ones. */
  const stepped = (isJudged: boolean, after: () => void) => {
    if (!isJudged && !isAlone()) return
    port.flush()
    after()
  }
  port.fromScouts = (message) => {
    checker.looks.touched = true
    const isJudged = hearScouts(parts, message)
    fromScouts(message)
    stepped(isJudged, () => {
      if (message.type === 'credit') checker.afters.credit(message.session)
    })
  }
  port.fromClients = (message) => {
    checker.looks.touched = true
    const isJudged = hearClients(parts, message)
    fromClients(message)
    stepped(isJudged, () => {
      if (message.type === 'settle') checker.afters.settle(message.session, settleOf(message))
    })
  }
}

function hearScouts({ checker }: TapParts, message: FromScouts): boolean {
  const { ears, ledger } = checker
  if (message.type === 'joined') {
    ears.joined(message.greeting)
    return false
  }
  const { session } = message
  // One that has to dial again and does not know it yet.
  if (!ledger.sessions.has(session)) return false
  switch (message.type) {
    case 'credit':
      return ears.credit(session, message.count)
    case 'scoutOffers':
      ears.offers(session, message.concurrency, message.offers)
      return false
    case 'started':
      ears.started(session, message as FrameOf<'started'> & FromScouts)
      return false
    case 'heartbeat':
      ears.heartbeat(session)
      return false
    case 'scoutDraining':
      ears.draining(session)
      return false
    case 'gone':
      ears.gone(session)
      return false
  }
}

function hearClients({ checker, wire, nowMs }: TapParts, message: FromClients): boolean {
  const { ears, ledger } = checker
  switch (message.type) {
    case 'worked':
      wire.receipts.worked(message.work.task)
      return false
    case 'submit':
      wire.receipts.presented(message.task)
      // A brain before this one may have ended it, and nobody has heard of that.
      ledger.task(message.task).isOver = false
      return false
    case 'adopt':
      wire.receipts.presented(message.task)
      ledger.adopted(message.task, message.attempt, message.leases, nowMs())
      return false
    case 'renewed':
      ears.alive(message.session, message.task, message.attempt)
      return false
    case 'unsent':
      ledger.unsent(message.session, message.task, message.attempt)
      wire.unsent(message.task, message.attempt)
      return false
    case 'settle':
      return ledger.sessions.has(message.session) && ears.settle(message.session, settleOf(message))
    default:
      return false
  }
}

function settleOf(message: Extract<FromClients, { type: 'settle' }>): FrameOf<'settle'> {
  return { ...message, fault: message.fault?.code ?? '' } as unknown as FrameOf<'settle'>
}
