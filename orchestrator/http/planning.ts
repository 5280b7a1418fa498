/**
 * The planner as the client edge sees it, and what it is told of the fleet. The composition root hands the planner in;
 * chats with a virtual model, responses and intents ask it through here.
 */
import type { Fault } from '../../shared/faults.ts'
import { abilitiesIn, dollars, type TaskKind } from '../../shared/task.ts'
import type { Plan } from '../engine/intents-port.ts'
import type { Engine, ModelListing } from '../engine/ports.ts'
import { chatRequest, embeddingsRequest } from './requests.ts'
import { refusal } from './validation.ts'

type Json = Record<string, unknown>

interface PlanAsked {
  input?: string | null
  messages?: unknown[] | null
  scroll?: unknown
  template?: string | null
  params?: Json | null
  model?: string | null
  /** Fields of every request, and those of the one that answers alone. */
  manner?: Json
  lastManner?: Json
}

interface CatalogModel {
  id: string
  kinds: readonly string[]
  scouts: number
  contextTokens: number
  abilities: readonly string[]
  about: string
  promptDollars: number | null
  answerDollars: number | null
  firstContentMs: number | null
  tokensPerSecond: number | null
}

/** What the hub would say to one request of a plan if it came alone: null, or a fault that names the field. */
type RequestCheck = (kind: TaskKind, request: Json) => Fault | null

export interface PlanContext {
  check: RequestCheck
  catalog: readonly CatalogModel[]
  deadlineMs: number
}

interface Estimate {
  tasks: number
  promptTokens: number
  completionTokens: number
  dollars: number | null
  durationMs: number
}

export interface Planner {
  /** What it is asked has passed the schema of its route. */
  plan(asked: PlanAsked, context: PlanContext): (Plan & { budgetTokens?: number }) | Fault
  estimate(plan: Plan, catalog: readonly CatalogModel[]): Estimate
  /** The JSON schema of a scroll. */
  scrollSchema: object
}

export function planContext(engine: Engine, deadlineMs: number): PlanContext {
  return { check: checkRequest, catalog: engine.models().map(catalogModel), deadlineMs }
}

const checkRequest: RequestCheck = (kind, request) =>
  refusal(kind === 'chat' ? chatRequest : embeddingsRequest, request)

function catalogModel(model: ModelListing): CatalogModel {
  const { id, kinds, scouts, contextTokens, abilities, about, promptPrice, answerPrice, speed } = model
  return {
    ...{ id, kinds, scouts, contextTokens, about, abilities: abilitiesIn(abilities) },
    promptDollars: dollars(promptPrice),
    answerDollars: dollars(answerPrice),
    firstContentMs: speed?.firstContentMs ?? null,
    tokensPerSecond: speed?.tokensPerSecond ?? null,
  }
}
