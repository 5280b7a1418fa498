/**
 * The log over JetStream: one stream of a network (`streams.ts`). It is made by whichever hub comes first, and refuses
 * what does not fit instead of dropping what is old. Features are those of NATS 2.9.
 *
 * Only a hub with CLUSTER_URL loads this file.
 */
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  StorageType,
} from '@nats-io/jetstream'
import {
  journalAnswerMs,
  journalRetryMs,
  placeIdentitiesMax,
  samePlaceMs,
} from '../../../shared/limits/cluster/journal.ts'
import type { System } from '../../../shared/system.ts'
import type { NatsBus } from '../bus/nats-bus.ts'
import type { Appended, Listing, LoggedMessage, SharedLog } from './log.ts'
import type { StreamForm } from './streams.ts'

/** Codes of JetStream's errors. */
const wrongLastSequence = 10_071
const maximumBytes = 10_077
const noStream = 10_059
const noMessage = 10_037

interface NatsLogParts {
  system: System
  bus: NatsBus
  stream: StreamForm
  /** On how many servers the stream is to be. */
  copies: number
}

interface Opened {
  manager: JetStreamManager
  client: JetStreamClient
}

export class NatsLog implements SharedLog {
  private opened: Opened | null = null
  private why = 'the stream of the network is not open yet'
  private isOpening = false
  private listener: () => void = () => {}
  private readonly stream: string

  constructor(private readonly parts: NatsLogParts) {
    this.stream = parts.stream.name
  }

  follow(): void {
    const { state } = this.parts.bus
    if (state.isConnected && this.opened === null) void this.open()
    this.listener()
  }

  get apart(): string | null {
    const { state } = this.parts.bus
    if (!state.isConnected) return state.why
    return this.opened === null ? this.why : null
  }

  onState(listener: () => void): void {
    this.listener = listener
  }

  async append(subject: string, message: Uint8Array, last: number): Promise<Appended> {
    // Servers before 2.11 compare the last number only when a message arrives, and two that are under way at once both
    // pass; the identity of a message is compared when it is stored, by each server. So what is to stand behind one
    // message bears its number as identity. Nothing is compared behind 0: there the number is, when it is stored.
    let identity = last === 0 ? undefined : String(last)
    for (let tries = 0; tries < placeIdentitiesMax; tries++) {
      const outcome = await this.publish(subject, message, last, identity)
      if (typeof outcome === 'string' || 'seq' in outcome) return outcome
      const holder = await this.subjectAt(outcome.heldBy)
      if (holder === 'unsure') return 'unsure'
      if (holder === subject) return 'conflict'
      // Something elsewhere bears the number, which keeps nobody from appending: all who compete see the same one, and
      // go on to the same next identity.
      identity = `${identity}.${outcome.heldBy}`
    }
    return 'unsure'
  }

  /** `unsure` also where the message is gone: its identity is forgotten soon. */
  private async subjectAt(seq: number): Promise<string> {
    try {
      const found = await this.opened?.manager.streams.getMessage(this.stream, { seq })
      return found?.subject ?? 'unsure'
    } catch {
      return 'unsure'
    }
  }

  /** `heldBy`: the number of the message that bears this identity. */
  private async publish(
    subject: string,
    message: Uint8Array,
    last: number,
    msgID: string | undefined,
  ): Promise<Appended | { heldBy: number }> {
    if (this.opened === null || this.apart !== null) return 'unsure'
    const expect = { lastSubjectSequence: last }
    const options = { expect, timeout: journalAnswerMs, ...(msgID !== undefined && { msgID }) }
    try {
      const { seq, duplicate } = await this.opened.client.publish(subject, message, options)
      return duplicate ? { heldBy: seq } : { seq }
    } catch (error) {
      const code = codeOf(error)
      if (code === wrongLastSequence) return 'conflict'
      return code === maximumBytes ? 'full' : 'unsure'
    }
  }

  async last(subject: string): Promise<number | 'unsure'> {
    if (this.opened === null || this.apart !== null) return 'unsure'
    try {
      // Asked of the leader of the stream: others may lag behind, and what they lack would seem not to be there.
      const found = await this.opened.manager.streams.getMessage(this.stream, { last_by_subj: subject })
      return found === null ? 0 : found.seq
    } catch (error) {
      return codeOf(error) === noMessage ? 0 : 'unsure'
    }
  }

  async next(subject: string, seq: number): Promise<LoggedMessage | null | 'unsure'> {
    if (this.opened === null || this.apart !== null) return 'unsure'
    try {
      const query = { seq: seq + 1, next_by_subj: subject }
      const found = await this.opened.manager.direct.getMessage(this.stream, query)
      return found && { subject: found.subject, seq: found.seq, message: found.data }
    } catch {
      return 'unsure'
    }
  }

  async subjects(pattern: string, limit: number): Promise<Listing | 'unsure'> {
    if (this.opened === null || this.apart !== null) return 'unsure'
    try {
      const { state } = await this.opened.manager.streams.info(this.stream, { subjects_filter: pattern })
      return { subjects: Object.keys(state.subjects ?? {}).slice(0, limit), end: state.last_seq }
    } catch {
      return 'unsure'
    }
  }

  async erase(subject: string, upTo?: number): Promise<boolean> {
    if (this.opened === null || this.apart !== null) return false
    try {
      // It counts up to the first one that stays.
      const range = upTo === undefined ? {} : { seq: upTo + 1 }
      await this.opened.manager.streams.purge(this.stream, { filter: subject, ...range })
      return true
    } catch {
      return false
    }
  }

  async filled(): Promise<number | 'unsure'> {
    if (this.opened === null || this.apart !== null) return 'unsure'
    try {
      const { state, config } = await this.opened.manager.streams.info(this.stream)
      return state.bytes / config.max_bytes
    } catch {
      return 'unsure'
    }
  }

  private async open(): Promise<void> {
    if (this.isOpening) return
    this.isOpening = true
    const connection = this.parts.bus.connected
    try {
      if (connection === null) return
      const manager = await jetstreamManager(connection, { timeout: journalAnswerMs, checkAPI: false })
      await this.provide(manager)
      this.opened = { manager, client: jetstream(connection, { timeout: journalAnswerMs }) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.why = `the servers between hubs have no stream ${this.stream} (${message}; do they run with JetStream?)`
    } finally {
      this.isOpening = false
    }
    this.listener()
    if (this.opened === null) this.parts.system.after(journalRetryMs, () => this.follow())
  }

  /** The stream as it is, or a new one. */
  private async provide(manager: JetStreamManager): Promise<void> {
    try {
      await manager.streams.info(this.stream)
      return
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    const { name, subjects, bytesMax, ageMs, isLastOnly } = this.parts.stream
    const config = {
      name,
      subjects,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: bytesMax,
      max_age: ageMs * 1_000_000,
      duplicate_window: samePlaceMs * 1_000_000,
      ...(isLastOnly && { max_msgs_per_subject: 1 }),
      allow_direct: true,
    }
    await manager.streams.add({ ...config, num_replicas: this.parts.copies })
  }
}

function codeOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? code : undefined
}

/** There is no such stream. */
function isMissing(error: unknown): boolean {
  return codeOf(error) === noStream
}
