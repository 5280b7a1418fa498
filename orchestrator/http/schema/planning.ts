/**
 * What the planner is told beside what a client asked for: the live fleet, and what this edge would say to a request.
 * Chats with a virtual model, responses and intents hand it over.
 */
import { abilitiesIn, dollars } from '../../../shared/task.ts'
import type { Engine, ModelListing } from '../../engine/ports/client.ts'
import type { CatalogModel, PlanContext, RequestCheck } from '../../engine/ports/planner.ts'
import { chatRequest, embeddingsRequest } from './openai-requests.ts'
import { refusal } from './validation.ts'

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
