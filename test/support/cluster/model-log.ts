/**
 * A model of the log that hubs share, under a clock of its owner: appends are fenced as they are by a real one, and it
 * does what a network does. It is cut off, answers late or not at all though it has stored what was appended, does what
 * was asked long after it was given up, and shows for a while less than there is when another server takes the lead. It
 * is full when it is told to be. Anybody may write into it.
 */
import type { Appended, Listing, LoggedMessage, SharedLog } from '../../../orchestrator/cluster/journal/log.ts'
import type { System } from '../../../shared/system.ts'

interface LogTrouble {
  /** Milliseconds that each question and each answer takes, drawn evenly up to the second. */
  delayMs: [number, number]
  /** Shares of questions and of answers that get lost, 0 to 1. */
  lostQuestions: number
  lostAnswers: number
  /** The share of questions that get there after they were given up, and within how long. */
  lateQuestions: number
  lateQuestionsMs: number
}

export const noLogTrouble: LogTrouble = {
  delayMs: [0, 0],
  ...{ lostQuestions: 0, lostAnswers: 0, lateQuestions: 0, lateQuestionsMs: 0 },
}
/** An answer that was lost is given up after so long. */
const answerMs = 5_000

export class LogModel {
  /** In the order in which they were appended. */
  stored: { subject: string; seq: number; message: Uint8Array; atMs: number }[] = []
  trouble: LogTrouble = noLogTrouble
  isFull = false
  /** The share of its room that is filled while it is not full. */
  filled = 0
  /** Milliseconds by which an append to this subject, or its erasure, is late beyond that. */
  lateMs: (subject: string) => number = () => 0
  /** Of those, how many are on their way. */
  late = 0
  private seq = 0
  /** From here on nothing is shown. */
  private hiddenFrom = Number.POSITIVE_INFINITY

  constructor(readonly system: System) {}

  /** `isDead`: of the process that asks; what it asked for then is done by nobody. */
  connect(isDead: () => boolean = () => false): ModelLog {
    return new ModelLog(this, isDead)
  }

  lastOf(subject: string): number {
    return this.of(subject).at(-1)?.seq ?? 0
  }

  /** Another server takes the lead: for a while it shows what there was so long ago, or until it appends something. */
  elect(behindMs: number, forMs: number): void {
    const sinceMs = this.system.nowMs() - behindMs
    this.hiddenFrom = this.stored.find(({ atMs }) => atMs > sinceMs)?.seq ?? this.seq + 1
    this.system.after(forMs, () => this.catchUp())
  }

  /** What is shown of a subject, or of all that fit a pattern. */
  shown(pattern: string): LoggedMessage[] {
    return this.of(pattern).filter(({ seq }) => seq < this.hiddenFrom)
  }

  listed(pattern: string, limit: number): Listing {
    const subjects = [...new Set(this.shown(pattern).map(({ subject }) => subject))]
    return { subjects: subjects.slice(0, limit), end: Math.min(this.seq, this.hiddenFrom - 1) }
  }

  erase(pattern: string, upTo: number): void {
    const gone = new Set(this.of(pattern).filter(({ seq }) => seq <= upTo))
    this.stored = this.stored.filter((one) => !gone.has(one))
    this.catchUp()
  }

  /** Of a subject, or of all that fit a pattern. */
  of(pattern: string): LoggedMessage[] {
    if (!pattern.includes('*')) return this.stored.filter(({ subject }) => subject === pattern)
    const form = formOf(pattern)
    return this.stored.filter(({ subject }) => form.test(subject))
  }

  append(subject: string, message: Uint8Array, last: number): Appended {
    if (this.lastOf(subject) !== last) return 'conflict'
    if (this.isFull) return 'full'
    this.seq++
    this.stored.push({ subject, seq: this.seq, message: Uint8Array.from(message), atMs: this.system.nowMs() })
    this.catchUp()
    return { seq: this.seq }
  }

  private catchUp(): void {
    this.hiddenFrom = Number.POSITIVE_INFINITY
  }
}

export class ModelLog implements SharedLog {
  apart: string | null = null
  private listener = () => {}

  constructor(
    private readonly model: LogModel,
    private readonly isDead: () => boolean,
  ) {}

  onState(listener: () => void): void {
    this.listener = listener
  }

  follow(): void {}

  cut(isCut: boolean): void {
    this.apart = isCut ? 'the model cut it off' : null
    this.listener()
  }

  append(subject: string, message: Uint8Array, last: number): Promise<Appended> {
    return this.ask(() => this.model.append(subject, message, last), this.model.lateMs(subject))
  }

  last(subject: string): Promise<number | 'unsure'> {
    return this.ask(() => this.model.shown(subject).at(-1)?.seq ?? 0)
  }

  next(subject: string, seq: number): Promise<LoggedMessage | null | 'unsure'> {
    return this.ask(() => this.model.shown(subject).find((one) => one.seq > seq) ?? null)
  }

  subjects(pattern: string, limit: number): Promise<Listing | 'unsure'> {
    return this.ask(() => this.model.listed(pattern, limit))
  }

  async erase(subject: string, upTo = Number.POSITIVE_INFINITY): Promise<boolean> {
    const done = await this.ask(() => {
      this.model.erase(subject, upTo)
      return true
    }, this.model.lateMs(subject))
    return done === true
  }

  filled(): Promise<number | 'unsure'> {
    return this.ask(() => (this.model.isFull ? 1 : this.model.filled))
  }

  /** A question and its answer, with the trouble that there is. */
  private ask<Answer>(work: () => Answer, lateMs = 0): Promise<Answer | 'unsure'> {
    const { system, trouble } = this.model
    const travel = () => trouble.delayMs[0] + system.random() * (trouble.delayMs[1] - trouble.delayMs[0])
    return new Promise((resolve) => {
      if (this.isDead()) return
      const giveUp = () => this.later(answerMs, () => resolve('unsure'))
      if (this.apart !== null) return system.soon(() => resolve('unsure'))
      if (system.random() < trouble.lostQuestions) return giveUp()
      if (system.random() < trouble.lateQuestions) {
        this.later(system.random() * trouble.lateQuestionsMs, work)
        return giveUp()
      }
      if (lateMs > 0) this.model.late++
      this.later(lateMs + travel(), () => {
        if (lateMs > 0) this.model.late--
        const answer = work()
        if (this.apart !== null || system.random() < trouble.lostAnswers) return giveUp()
        this.later(travel(), () => this.isDead() || resolve(answer))
      })
    })
  }

  private later(ms: number, callback: () => void): void {
    if (ms === 0) this.model.system.soon(callback)
    else this.model.system.after(ms, callback)
  }
}

function formOf(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`)
}
