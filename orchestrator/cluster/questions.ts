/**
 * What one hub asks another one over the bus, and the answer: signed, and meant for that very start of the other hub.
 * Either may be lost, and neither is repeated: whoever asks knows that it may have been heard. How many are under way
 * is bounded on both sides.
 */
import { z } from 'zod'
import type { System } from '../../shared/system.ts'
import type { HubBus } from './bus/bus.ts'
import type { Membership } from './membership.ts'
import type { Peers } from './presence/peers.ts'
import { type HubProcess, jsonIn } from './roster/message.ts'

export interface QuestionsParts {
  system: System
  bus: HubBus
  membership: Pick<Membership, 'own' | 'prefix' | 'publish' | 'receive'>
  peers: Pick<Peers, 'get'>
}

/** One kind of questions, and what becomes of them here. */
export interface QuestionKind<Question extends object, Answer extends object> {
  /** In the subjects of questions and of answers. */
  words: { question: string; answer: string }
  questionForm: z.ZodType<Question>
  answerForm: z.ZodType<Answer>
  /** How long an answer is waited for, milliseconds. */
  answerMs: (question: Question) => number
  /** Under way from here, and from one other hub. */
  atOnceMax: number
  ofHubMax: number
  /** What a hub is told that asks for more. */
  busy: Answer
  perform: (question: Question, from: string) => Promise<Answer>
}

/** `away`: that hub is not here. `busy`: too many are under way from here. `unanswered`: it may have been heard. */
type Unasked = 'away' | 'busy' | 'unanswered'

interface Waiting<Answer> {
  hub: string
  answered(outcome: Answer | Unasked): void
}

const numbered = z.looseObject({ number: z.int().min(1) })

export class Questions<Question extends object, Answer extends object> {
  private readonly waiting = new Map<number, Waiting<Answer>>()
  private last = 0
  /** Under way here, by the hub that asked. */
  private readonly running = new Map<string, number>()

  constructor(
    private readonly parts: QuestionsParts,
    private readonly kind: QuestionKind<Question, Answer>,
  ) {}

  start(): void {
    const { bus, membership } = this.parts
    const { question, answer } = this.kind.words
    const { name } = membership.own
    bus.subscribe(this.subject(question, name), (subject, message) => this.hear(subject, message))
    bus.subscribe(this.subject(answer, name), (subject, message) => this.take(subject, message))
  }

  ask(hub: string, question: Question): Promise<Answer | Unasked> {
    const { peers, membership, system } = this.parts
    const { atOnceMax, words, answerMs } = this.kind
    const peer = peers.get(hub)
    if (peer?.isHere !== true) return Promise.resolve('away')
    if (this.waiting.size >= atOnceMax) return Promise.resolve('busy')
    const number = ++this.last
    const to = { name: hub, boot: peer.boot }
    const isSent = membership.publish(to, this.subject(words.question, hub), bytesOf(number, question))
    if (!isSent) return Promise.resolve('away')
    return new Promise((resolve) => {
      const answered = (outcome: Answer | Unasked) => {
        timer.cancel()
        this.waiting.delete(number)
        resolve(outcome)
      }
      const timer = system.after(answerMs(question), () => answered('unanswered'))
      this.waiting.set(number, { hub, answered })
    })
  }

  private hear(subject: string, message: Uint8Array): void {
    const heard = this.read(subject, message, this.kind.questionForm)
    if (heard !== null) void this.answer(heard.from, heard.number, heard.value)
  }

  private async answer(from: HubProcess, number: number, question: Question): Promise<void> {
    const { ofHubMax, busy, perform, words } = this.kind
    const running = this.running.get(from.name) ?? 0
    let answer = busy
    if (running < ofHubMax) {
      this.running.set(from.name, running + 1)
      answer = await perform(question, from.name)
      this.running.set(from.name, this.running.get(from.name)! - 1)
    }
    this.parts.membership.publish(from, this.subject(words.answer, from.name), bytesOf(number, answer))
  }

  private take(subject: string, message: Uint8Array): void {
    const heard = this.read(subject, message, this.kind.answerForm)
    const waiting = heard === null ? undefined : this.waiting.get(heard.number)
    if (waiting?.hub === heard?.from.name) waiting?.answered(heard!.value)
  }

  /** A message that counts, is meant for this start, and has the form; null for every other one. */
  private read<Value>(subject: string, message: Uint8Array, form: z.ZodType<Value>) {
    const believed = this.parts.membership.receive(message, subject)
    if (believed === null || believed.head.to === null) return null
    const numberedValue = numbered.safeParse(jsonIn(believed.payload)).data
    if (numberedValue === undefined) return null
    const { number, ...rest } = numberedValue
    const { data: value } = form.safeParse(rest)
    return value === undefined ? null : { from: believed.head.from, number, value }
  }

  private subject(word: string, hub: string): string {
    return `${this.parts.membership.prefix}.${word}.${hub}`
  }
}

function bytesOf(number: number, value: object): Uint8Array {
  return Buffer.from(JSON.stringify({ number, ...value }))
}
