/**
 * The scouts' side of the engine: what the gateway reports becomes events for the writer. Pieces and ends of answers
 * go to their sink first, which checks them; what is wrong with one becomes an event, and the core never sees a byte.
 */
import { type Fault, fault, isReportable, plainMessage } from '../../shared/faults.ts'
import type { System } from '../../shared/system.ts'
import type { Offer } from '../../shared/task.ts'
import type { AnswerSink } from './answers/answer-sink.ts'
import type { AttemptStream } from './answers/attempt-stream.ts'
import type { AttemptStarted, ChunkHead, Greeting, ScoutEvents, Settlement } from './ports/scouts.ts'
import type { Listings } from './reports/listings.ts'
import type { StandingReports } from './reports/standings.ts'
import type { CommitBarrier } from './writer/commit-barrier.ts'
import type { Sinks } from './writer/sinks.ts'
import type { Writer } from './writer/writer.ts'

/** A renewal reaches the core at most this often per attempt; a third of the shortest useful lease. */
const renewEveryMs = 5_000

interface ScoutDeskParts {
  system: System
  writer: Writer
  barrier: CommitBarrier
  sinks: Sinks
  listings: Listings
  standings: StandingReports
}

export class ScoutDesk implements ScoutEvents {
  constructor(private readonly parts: ScoutDeskParts) {}

  joined(greeting: Greeting): void {
    const { writer, listings } = this.parts
    listings.greeted(greeting)
    const { session, operator, hello } = greeting
    const { name, instance, concurrency, offers, held } = hello
    const scout = `${operator}/${name}`
    writer.add({ type: 'scoutJoined', session, scout, operator, instance, concurrency, offers, held })
    writer.add({ type: 'claimsEnded', session })
  }

  credit(session: number, count: number): void {
    this.parts.writer.add({ type: 'credit', session, count })
  }

  offers(session: number, concurrency: number, offers: Offer[]): void {
    this.parts.writer.add({ type: 'scoutOffers', session, concurrency, offers })
  }

  started(session: number, { task, attempt, provider }: AttemptStarted): void {
    this.parts.writer.add({ type: 'started', session, task, attempt, provider })
  }

  chunk(session: number, head: ChunkHead, body: Uint8Array): void {
    const { task, attempt } = head
    const sink = this.sinkOf(session, task, attempt)
    const attemptStream = this.renew(session, task, attempt, sink)
    if (sink === undefined || attemptStream === undefined) return
    const flaw = sink.chunk(attemptStream, head, body)
    if (flaw !== null) this.parts.writer.add({ type: 'attemptBroken', task, attempt, fault: flaw })
  }

  settle(session: number, settlement: Settlement, body: Uint8Array): void {
    const { task, attempt, nonce, outcome, provider, credits } = settlement
    const { writer } = this.parts
    const sink = this.sinkOf(session, task, attempt)
    const attemptStream = sink?.attemptStream(attempt, session)
    if (sink !== undefined && attemptStream !== undefined && outcome === 'done') {
      const flaw = sink.settle(attemptStream, settlement, body)
      if (flaw !== null) writer.add({ type: 'attemptBroken', task, attempt, fault: flaw })
    }
    let tokens = 0
    let usedTokens = 0
    if (attemptStream !== undefined) {
      tokens = attemptStream.tokens
      usedTokens = attemptStream.usage.promptTokens + attemptStream.usage.completionTokens
    }
    const cause = outcome === 'done' ? null : reportedFault(settlement)
    const type = 'settle'
    writer.add({ type, session, task, attempt, nonce, outcome, provider, credits, fault: cause, tokens, usedTokens })
  }

  broken(session: number, task: number, attempt: number, cause: Fault): void {
    if (this.renew(session, task, attempt, this.sinkOf(session, task, attempt)) === undefined) return
    this.parts.writer.add({ type: 'attemptBroken', task, attempt, fault: cause })
  }

  alive(session: number, task: number, attempt: number): void {
    this.renew(session, task, attempt, this.sinkOf(session, task, attempt))
  }

  /**
   * Where this attempt's answer goes. The sink holds the answer of a settlement until the core has decided on it, so
   * whatever follows one in the same turn has to wait for that.
   */
  private sinkOf(session: number, task: number, attempt: number): AnswerSink | undefined {
    const { writer, sinks } = this.parts
    const sink = sinks.get(task)
    if (sink?.attemptStream(attempt, session)?.isSettled !== true) return sink
    writer.flush()
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
    const { writer, system } = this.parts
    const attemptStream = sink?.attemptStream(attempt, session)
    const nowMs = system.nowMs()
    if (attemptStream !== undefined && nowMs - attemptStream.renewedMs < renewEveryMs) return attemptStream
    if (attemptStream !== undefined) attemptStream.renewedMs = nowMs
    writer.add({ type: 'renewed', session, task, attempt })
    return attemptStream
  }

  heartbeat(session: number): void {
    const { writer, standings, system } = this.parts
    writer.add({ type: 'heartbeat', session })
    standings.report(session, system.nowMs())
  }

  draining(session: number): void {
    this.parts.writer.add({ type: 'scoutDraining', session })
  }

  gone(session: number, isForsaken = false): void {
    const { barrier, writer, listings, standings } = this.parts
    listings.gone(session)
    standings.gone(session)
    barrier.sessionClosed(session)
    // It takes what it had along, as one that has announced that it leaves.
    if (isForsaken) writer.add({ type: 'scoutDraining', session })
    writer.add({ type: 'scoutGone', session })
  }
}

/** A scout's account of what went wrong, with a code and a sentence of the hub where its own do not fit. */
function reportedFault({ fault: code, message, param, retryAfterMs }: Settlement): Fault {
  const known = isReportable(code) ? code : 'scout_error'
  const sentence = plainMessage(message) || 'The scout gave no reason.'
  return fault(known, sentence, { ...(param !== '' && { param }), ...(retryAfterMs > 0 && { retryAfterMs }) })
}
