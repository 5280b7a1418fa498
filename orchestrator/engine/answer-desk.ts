/**
 * The desk of answers: pieces and ends of answers that scouts send go to the sink of their task, which checks them, and
 * what the brain decides about an attempt goes there too. The brain learns when content begins, what is wrong, and how
 * an attempt ended; it never sees a byte. The desk of clients makes the sinks of those that wait, the intents those of
 * durable tasks.
 */
import { ByteAccount } from '../../shared/byte-account.ts'
import { type Fault, fault, isReportable, plainMessage } from '../../shared/faults.ts'
import { checkedBytesMax, checkedBytesPerOperatorMax } from '../../shared/limits/answers.ts'
import { operatorOf } from '../../shared/scouts/scout-id.ts'
import { withoutSecrets } from '../../shared/secrets.ts'
import type { System } from '../../shared/system.ts'
import { isInSteps } from '../../shared/turn-lane.ts'
import { sameNonce } from '../core/model/nonce.ts'
import type { AnswerChecks, CheckSteps } from './answers/answer-checks.ts'
import type { AnswerSink } from './answers/answer-sink.ts'
import type { AttemptStream } from './answers/attempt-stream.ts'
import type { BrainPort, ToClients } from './ports/brain.ts'
import type { AttemptEvents, AttemptLinks, ChunkHead, Settlement } from './ports/scouts.ts'

/** A renewal reaches the core at most this often per attempt; a third of the shortest useful lease. */
const renewEveryMs = 5_000

interface AnswerDeskParts {
  system: System
  brain: BrainPort
  scouts: AttemptLinks
  sinks: { get(task: number): AnswerSink | undefined }
  checks: AnswerChecks
  /** Whether this session is known, and not gone. */
  isLive: (session: number) => boolean
}

type Grant = Extract<ToClients, { type: 'grant' }>
type Resume = Extract<ToClients, { type: 'resume' }>

/** What concerns an attempt; the end of a task and its place in the queue are the clients' desk's. */
type AttemptNews = Grant | Resume | Extract<ToClients, { type: 'servedBy' | 'attemptVoid' }>

const tooMuchToCheck = fault('scout_error', 'The scouts of this operator settled with too many large answers at once.')
const noRoomToCheck = fault('hub_overloaded', 'The orchestrator has too many large answers to check: ask again.')
/** Why a grant could not be sent. */
const nobodyWaits = fault('cancelled', 'Nobody waits for the answer any more.')
const noFrame = fault('internal_error', 'No frame of the protocol can hold this task. Report this, please.')

export class AnswerDesk implements AttemptEvents {
  /** Of long bodies that wait for their check, by operator. */
  private readonly bytesInCheck = new ByteAccount(checkedBytesMax, checkedBytesPerOperatorMax)

  constructor(private readonly parts: AnswerDeskParts) {}

  // ------------------------------------------------------------ from the brain

  receive(message: AttemptNews): void {
    const { sinks } = this.parts
    switch (message.type) {
      case 'grant':
        return this.grant(message)
      case 'servedBy':
        return sinks.get(message.task)?.servedBy(message.attempt, message.served)
      case 'attemptVoid':
        return sinks.get(message.task)?.void(message.attempt)
      case 'resume':
        return this.resume(message)
    }
  }

  private grant(message: Grant): void {
    const { brain, scouts, sinks } = this.parts
    const { session, task, attempt } = message
    const sink = sinks.get(task)
    const unsent = (cause: Fault) => brain.fromClients({ type: 'unsent', session, task, attempt, fault: cause })
    if (sink === undefined) return unsent(nobodyWaits)
    sink.begin(message)
    const request = sink.request()
    if (!(request instanceof Uint8Array)) return unsent(request)
    if (!scouts.task(session, message, request)) unsent(noFrame)
  }

  private resume({ task, attempt, session, scout, isDecided }: Resume): void {
    const sink = this.parts.sinks.get(task)
    // First: what the sink says over the new session comes behind its welcome.
    this.parts.scouts.resumed(session, task, attempt, sink?.nextChunk(attempt) ?? 0)
    if (!isDecided) sink?.resume(attempt, session, scout)
  }

  // ------------------------------------------------------------ from scouts

  chunk(session: number, head: ChunkHead, body: Uint8Array): void {
    const { task, attempt } = head
    const sink = this.sinkOf(session, task, attempt)
    const attemptStream = this.renew(session, task, attempt, sink)
    if (sink === undefined || attemptStream === undefined || isOver(attemptStream)) return
    const flaw = sink.chunk(attemptStream, head, body)
    if (flaw !== null) this.parts.brain.fromClients({ type: 'attemptBroken', task, attempt, fault: flaw })
  }

  settle(session: number, settlement: Settlement, body: Uint8Array): void {
    const { task, attempt, outcome } = settlement
    const sink = this.sinkOf(session, task, attempt)
    // Whoever carries the answer cannot be reached: what was done is not there, and nobody's fault.
    if (sink === undefined && outcome === 'done') return this.settled(session, handedBack(settlement), undefined)
    const attemptStream = sink?.attemptStream(attempt, session)
    if (attemptStream?.isInCheck === true) return
    // Of what the brain will refuse nothing is kept; nor of another settlement while it decides on the first one.
    if (attemptStream?.nonce && (attemptStream.isSettled || !sameNonce(attemptStream.nonce, settlement.nonce))) {
      return this.settled(session, settlement, undefined)
    }
    if (sink === undefined || attemptStream === undefined || outcome !== 'done') {
      return this.settled(session, settlement, attemptStream)
    }
    const check = sink.settle(attemptStream, settlement, body)
    if (isInSteps(check)) return this.checkLong(session, settlement, attemptStream, check, body.length)
    this.checked(session, settlement, attemptStream, check)
  }

  /** Of a long answer the core learns when it has been checked, until when its scout is at work on it. */
  private checkLong(
    session: number,
    settlement: Settlement,
    attemptStream: AttemptStream,
    steps: CheckSteps,
    bytes: number,
  ): void {
    const { brain, checks, sinks, isLive } = this.parts
    const { task, attempt } = settlement
    // A session may settle in the turn in which it joined, before the core knows it.
    if (!isLive(session)) brain.flush()
    if (!isLive(session)) return
    const operator = operatorOf(attemptStream.served.scout)
    const refused = this.bytesInCheck.take(operator, bytes)
    if (refused !== null) {
      const cause = refused === 'share' ? tooMuchToCheck : noRoomToCheck
      return this.checked(session, settlement, attemptStream, cause)
    }
    attemptStream.beginCheck()
    const own: Settlement = { ...settlement, nonce: new Uint8Array(settlement.nonce) }
    checks.add({
      steps,
      isWanted: () => isLive(session) && sinks.get(task)?.attemptStream(attempt, session) === attemptStream,
      over: (flaw) => {
        this.bytesInCheck.give(operator, bytes)
        if (flaw !== undefined) this.checked(session, own, attemptStream, flaw)
        // A scout whose attempt ended meanwhile waits for a verdict on it.
        else if (isLive(session)) this.settled(session, own, undefined)
      },
    })
  }

  private checked(session: number, settlement: Settlement, attemptStream: AttemptStream, flaw: Fault | null): void {
    const { task, attempt } = settlement
    if (flaw !== null) this.parts.brain.fromClients({ type: 'attemptBroken', task, attempt, fault: flaw })
    this.settled(session, settlement, attemptStream)
  }

  private settled(session: number, settlement: Settlement, attemptStream: AttemptStream | undefined): void {
    const { task, attempt, nonce, outcome, provider, credits } = settlement
    let tokens = 0
    let usedTokens = 0
    if (attemptStream !== undefined) {
      tokens = attemptStream.tokens
      usedTokens = attemptStream.facts.promptTokens + attemptStream.facts.completionTokens
    }
    const cause = outcome === 'done' ? null : reportedFault(settlement)
    const type = 'settle' as const
    const ended = { type, session, task, attempt, nonce, outcome, provider, credits, fault: cause, tokens, usedTokens }
    this.parts.brain.fromClients(ended)
  }

  broken(session: number, task: number, attempt: number, cause: Fault): void {
    const attemptStream = this.renew(session, task, attempt, this.sinkOf(session, task, attempt))
    if (attemptStream === undefined || isOver(attemptStream)) return
    this.parts.brain.fromClients({ type: 'attemptBroken', task, attempt, fault: cause })
  }

  alive(session: number, task: number, attempt: number): void {
    this.renew(session, task, attempt, this.sinkOf(session, task, attempt))
  }

  /**
   * Where this attempt's answer goes. The sink holds the answer of a settlement until the core has decided on it, so
   * whatever follows one in the same turn has to wait for that.
   */
  private sinkOf(session: number, task: number, attempt: number): AnswerSink | undefined {
    const { brain, sinks } = this.parts
    const sink = sinks.get(task)
    if (sink?.attemptStream(attempt, session)?.isSettled !== true) return sink
    brain.flush()
    return sinks.get(task)
  }

  /**
   * A sign of life of this attempt. Its stream, while a sink takes it; the core cancels an attempt that nobody waits
   * for.
   */
  private renew(
    session: number,
    task: number,
    attempt: number,
    sink: AnswerSink | undefined,
  ): AttemptStream | undefined {
    const { brain, system } = this.parts
    const attemptStream = sink?.attemptStream(attempt, session)
    const nowMs = system.nowMs()
    if (attemptStream !== undefined && nowMs - attemptStream.renewedMs < renewEveryMs) return attemptStream
    if (attemptStream !== undefined) attemptStream.renewedMs = nowMs
    brain.fromClients({ type: 'renewed', session, task, attempt })
    return attemptStream
  }
}

function handedBack(settlement: Settlement): Settlement {
  const message = 'The answer was lost within the orchestrator.'
  return { ...settlement, outcome: 'released', fault: 'scout_draining', message }
}

/** Nothing counts that follows its settlement. */
function isOver({ isInCheck, isSettled }: AttemptStream): boolean {
  return isInCheck || isSettled
}

/** A scout's account of what went wrong, with a code and a sentence of the hub where its own do not fit. */
function reportedFault({ fault: code, message, param, retryAfterMs }: Settlement): Fault {
  const known = isReportable(code) ? code : 'scout_error'
  const sentence = withoutSecrets(plainMessage(message)) || 'The scout gave no reason.'
  return fault(known, sentence, { ...(param !== '' && { param }), ...(retryAfterMs > 0 && { retryAfterMs }) })
}
