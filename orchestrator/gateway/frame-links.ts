/**
 * The engine's way to the scouts as frames: what it asks for becomes the frame of that name. The gateway owns the
 * sessions that they go to; this file knows their numbers only.
 */
import * as wireLimits from '../../shared/limits/wire.ts'
import type { CloseName } from '../../shared/protocol/close-codes.ts'
import { type FrameOf, frameTable, type HubFrame, protocolVersion } from '../../shared/protocol/frames.ts'
import type { Verdict } from '../../shared/task.ts'
import type { ScoutLinks, Standing, TaskGrant, Welcome } from '../engine/ports/scouts.ts'

/** Queues one frame. `body` is for task frames: sent inline when small, as fragments when not. */
type SendFrame = (session: number, frame: HubFrame, body?: Uint8Array) => void

/** Shared by all frames: a session replaces the list and never adds to it. */
const noAcks: FrameOf<'task'>['acks'] = []
const { attempt: attemptField, ttlMs: durationField } = frameTable.task.fields

/**
 * Makes the frames of what the engine asks for, and is the place where a value that the frame table refuses is stopped,
 * because an honest scout would close its socket over it.
 */
export class FrameLinks implements ScoutLinks {
  constructor(
    private readonly send: SendFrame,
    private readonly closeSession: (session: number, why: CloseName, detail?: string) => void,
    /** Where else scouts of this network may dial. */
    private readonly otherHubs: () => readonly string[] = () => [],
  ) {}

  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    if (!fits(grant, request)) return false
    const { task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs, salt } = grant
    const size = request.length
    const body = null
    const type = 'task'
    // The session puts the acknowledgements and a small body in.
    const acks = noAcks
    const frame: FrameOf<'task'> = {
      type,
      task,
      attempt,
      nonce,
      kind,
      model,
      stream,
      ttlMs,
      deadlineMs,
      acks,
      size,
      body,
    }
    if (salt !== undefined) frame.salt = salt
    this.send(session, frame, request)
    return true
  }

  cancel(session: number, task: number, attempt: number, reason: string): void {
    this.send(session, { type: 'cancel', task, attempt, reason })
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.send(session, { type: 'flow', task, attempt, paused })
  }

  settled(session: number, task: number, attempt: number, verdict: Verdict): void {
    // A scout cannot name an attempt out of range, so neither can the answer to it.
    this.send(session, { type: 'settled', acks: [[task, attempt, verdict]] })
  }

  welcome(session: number, { epoch, scout, leaseTtlMs, creditMax, held }: Welcome): void {
    const version = protocolVersion
    const replies: FrameOf<'welcome'>['held'] = held.map(({ task, attempt, verdict, nextChunk }) => {
      return [task, attempt, verdict, nextChunk]
    })
    const { heartbeatMs, silenceMs } = wireLimits
    const terms = { version, epoch, scout, heartbeatMs, silenceMs, leaseTtlMs, creditMax }
    const hubs = this.otherHubs().map((address): [string] => [address])
    this.send(session, { type: 'welcome', ...terms, held: replies, ...(hubs.length > 0 && { hubs }) })
  }

  standing(session: number, { paused, ...counts }: Standing): void {
    const pauses: FrameOf<'standing'>['paused'] = paused.map(({ model, resumesInMs }) => [model, resumesInMs])
    this.send(session, { type: 'standing', ...counts, paused: pauses })
  }

  close(session: number, why: CloseName, detail?: string): void {
    this.closeSession(session, why, detail)
  }
}

/** The fields of a task that grow with time or come from a client; the others are made to fit. */
export function fits({ attempt, model, ttlMs, deadlineMs }: TaskGrant, request: Uint8Array): boolean {
  return (
    attemptField.accepts(attempt) &&
    durationField.accepts(ttlMs) &&
    durationField.accepts(deadlineMs) &&
    model.length > 0 &&
    model.length <= wireLimits.modelCharsMax &&
    request.length <= wireLimits.requestBodyBytesMax
  )
}
