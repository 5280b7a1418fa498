/**
 * A hub with scouts of many owners that all offer one model, clients, and what they need to dispute an answer. Scouts
 * answer as functions say, also when they are asked to judge.
 */
import { expect, onTestFinished } from 'vitest'
import type { PointsMode } from '../../../orchestrator/engine/ports/ledger/ledger.ts'
import type { TrustMode } from '../../../orchestrator/engine/ports/trust/witness.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { AnsweringProvider } from '../../support/providers/answering-provider.ts'
import type { MakeHub, StageHub } from './conviction-stage.ts'

/** What a judge is shown. */
export interface Shown {
  /** The question that was asked. */
  question: string
  answers: Record<string, string>
}

export interface Character {
  answers: (question: string) => string
  judges: (shown: Shown) => string
}

const filler = 'Some would call it a matter of taste, and others say that it depends on the weather and on the season.'
const boast = 'I am a very good model, and this is my very best answer, about which I have thought for long.'

export const truth = (question: string) => `${question} ${filler} ${question}`

/** Finds whatever does not speak of the question. */
const justly = ({ question, answers }: Shown) => {
  const fails = Object.keys(answers).filter((letter) => !answers[letter]!.includes(question))
  const why = fails.length > 1 ? 'It speaks of something else.' : 'It is as good as the others.'
  return JSON.stringify({ fails, why })
}

export const honest: Character = { answers: truth, judges: justly }
export const constant: Character = { answers: () => `${boast} ${boast} ${boast}`, judges: justly }
export const judging = (judges: Character['judges']): Character => ({ answers: truth, judges })

export interface Disputed {
  object: string
  id: string
  state: string
  verdict: string | null
  hearings: {
    reruns: number
    judges: number
    votes: { against: boolean | null; why: string }[]
    ground: string | null
  }[]
  held: number
  clawed: number
  pledged: number
  repaid: number
  sentences: string[]
  scout: string | null
  comment: string | null
}

/** An answer with what a client needs to dispute it. */
export interface Given {
  /** Which client asked. */
  by: number
  id: string
  scout: string
  body: string
  text: string
}

const clients = 4
/** Chats that give all scouts of a stage something to do. */
const manyAtOnce = 40

export class DisputeStage {
  readonly live: StageHub
  readonly clientKeys: string[]
  readonly tenants: string[]
  private readonly scoutKeys = new Map<string, string>()
  private readonly providers = new Map<string, AnsweringProvider>()
  private asked = 0

  private constructor(live: StageHub) {
    this.live = live
    const issued = Array.from({ length: clients }, (_, at) => this.live.hub.keyring.issue('client', `c${at}`))
    this.clientKeys = issued.map(({ key }) => key)
    this.tenants = issued.map(({ row }) => row.tenant)
  }

  static async open(
    trust: TrustMode,
    scouts: Record<string, Character>,
    make: MakeHub = (options) => new LiveHub(options),
    points: PointsMode = 'show',
  ): Promise<DisputeStage> {
    const settings = { delay: { minMs: 1, maxMs: 2 }, tickMs: 5, auditsPerDayMin: 0 }
    const live = await make({ config: { ...quietConfig(temporaryFolder()), trust, points }, trust: settings })
    onTestFinished(() => live.close())
    const stage = new DisputeStage(live)
    for (const [name, character] of Object.entries(scouts)) await stage.addScout(name, character)
    return stage
  }

  async addScout(name: string, { answers, judges }: Character, key?: string): Promise<void> {
    const provider = new AnsweringProvider((last) => {
      const shown = shownIn(last)
      return shown === null ? answers(last) : judges(shown)
    })
    this.providers.set(name, provider)
    const ownKey = key ?? this.live.hub.keyring.issue('scout', name).key
    this.scoutKeys.set(name, ownKey)
    await this.live.addScout({ name, key: ownKey, providers: [provider] })
  }

  keyOf(scout: string): string {
    return this.scoutKeys.get(scout)!
  }

  /** Bodies of what this scout was asked. */
  bodiesAt(scout: string): string[] {
    return this.providers.get(scout)!.bodies
  }

  /** An answer of the scout of this name to one of the clients; it is asked until that one serves. */
  async answerOf(scout: string, by = 0): Promise<Given> {
    for (let tries = 0; tries < 100; tries++) {
      // Whoever was slow once is drawn only where the others have something to do.
      const atOnce = tries < 50 ? 1 : manyAtOnce
      const all = await Promise.all(Array.from({ length: atOnce }, () => this.chat(by)))
      const given = all.find((one) => one.scout.endsWith(`/${scout}`))
      if (given !== undefined) return given
    }
    throw new Error(`${scout} did not answer`)
  }

  async chat(by: number): Promise<Given> {
    const content = `What do you think of number ${this.asked++} and its many friends?`
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })
    const response = await this.as(this.clientKeys[by]!, '/v1/chat/completions', body)
    expect(response.status).toBe(200)
    const answer = (await response.json()) as {
      id: string
      choices: { message: { content: string } }[]
      chasm: { scout: string }
    }
    return { by, id: answer.id, scout: answer.chasm.scout, body, text: answer.choices[0]!.message.content }
  }

  as(key: string, path: string, body?: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${key}` }
    if (body === undefined) return fetch(this.live.url + path, { headers })
    return this.live.post(path, body, { headers })
  }

  async sealed({ id }: Pick<Given, 'id'>): Promise<void> {
    const task = Number.parseInt(id.slice(id.indexOf('-') + 1), 36)
    await until('the receipt', () => typeof this.live.hub.engine.ledger!.receipt(task, null) === 'object')
  }

  /** The status and body of filing; the receipt is waited for. */
  async file(given: Given, fields: object = {}, as = given.by): Promise<{ status: number; body: Disputed }> {
    await this.sealed(given)
    const { id: task, body: request, text: answer } = given
    const dispute = { task, request, answer, reason: 'wrong', ...fields }
    const response = await this.as(this.clientKeys[as]!, '/v1/disputes', dispute)
    return { status: response.status, body: (await response.json()) as Disputed }
  }

  async seenByClient(id: string, by = 0): Promise<Disputed> {
    return (await (await this.as(this.clientKeys[by]!, `/v1/disputes/${id}`)).json()) as Disputed
  }

  async seenByScout(id: string, scout: string): Promise<Disputed> {
    return (await (await this.as(this.keyOf(scout), `/v1/me/disputes/${id}`)).json()) as Disputed
  }

  /** The dispute once it has a verdict that may be appealed or decided otherwise, or is final. */
  async decided(id: string, by = 0): Promise<Disputed> {
    const over = ['upheld', 'rejected', 'undecided', 'final']
    const find = () => this.live.hub.engine.disputes!.find(id, 'client', this.tenants[by]!)
    await until('a verdict', () => over.includes(find()?.state ?? ''))
    return this.seenByClient(id, by)
  }
}

function shownIn(last: string): Shown | null {
  if (!last.startsWith('{"request":')) return null
  const { request, answers } = JSON.parse(last) as { request: string; answers: Record<string, string> }
  const { messages } = JSON.parse(request) as { messages: { content: string }[] }
  return { question: messages.at(-1)!.content, answers }
}
