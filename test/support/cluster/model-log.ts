/**
 * A model of the log that hubs share, under a clock of its owner: appends are fenced as they are by a real one, and it
 * does what a network does. It is cut off, answers late or not at all though it has stored what was appended, and it is
 * full when it is told to be. Anybody may write into it.
 */
import type { Appended, LoggedMessage, SharedLog } from '../../../orchestrator/cluster/journal/log.ts'
import type { System } from '../../../shared/system.ts'

interface LogTrouble {
  /** Milliseconds that each question and each answer takes, drawn evenly up to the second. */
  delayMs: [number, number]
  /** Shares of questions and of answers that get lost, 0 to 1. */
  lostQuestions: number
  lostAnswers: number
}

const noTrouble: LogTrouble = { delayMs: [0, 0], lostQuestions: 0, lostAnswers: 0 }
/** An answer that was lost is given up after so long. */
const answerMs = 5_000

export class LogModel {
  /** In the order in which they were appended. */
  stored: { subject: string; seq: number; message: Uint8Array }[] = []
  trouble: LogTrouble = noTrouble
  isFull = false
  /** Milliseconds by which an append to this subject is late beyond that. */
  lateMs: (subject: string) => number = () => 0
  private seq = 0

  constructor(readonly system: System) {}

  /** `isDead`: of the process that asks; what it asked for then is done by nobody. */
  connect(isDead: () => boolean = () => false): ModelLog {
    return new ModelLog(this, isDead)
  }

  lastOf(subject: string): number {
    return this.of(subject).at(-1)?.seq ?? 0
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
    this.stored.push({ subject, seq: this.seq, message: Uint8Array.from(message) })
    return { seq: this.seq }
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
    return this.ask(() => this.model.lastOf(subject))
  }

  after(subject: string, seq: number): Promise<LoggedMessage | 'unsure'> {
    return this.ask(() => this.model.of(subject).find((one) => one.seq > seq) ?? 'unsure')
  }

  subjects(pattern: string, limit: number): Promise<string[] | 'unsure'> {
    return this.ask(() => {
      const found = this.model.of(pattern).map(({ subject }) => subject)
      return [...new Set(found)].slice(0, limit)
    })
  }

  async erase(subject: string, upTo = Number.POSITIVE_INFINITY): Promise<boolean> {
    const done = await this.ask(() => {
      const gone = new Set(this.model.of(subject).filter(({ seq }) => seq <= upTo))
      this.model.stored = this.model.stored.filter((one) => !gone.has(one))
      return true
    })
    return done === true
  }

  filled(): Promise<number | 'unsure'> {
    return this.ask(() => (this.model.isFull ? 1 : 0))
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
      this.later(lateMs + travel(), () => {
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
