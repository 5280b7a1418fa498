/**
 * The context that a plan is made in, beside what the client asked for: the live fleet, and this edge's check of a
 * request. Every route that plans passes it to the planner.
 */
import type { System } from '../../../shared/system.ts'
import { abilitiesIn, dollars } from '../../../shared/task.ts'
import type { Engine, ModelListing } from '../../engine/ports/client.ts'
import type { CatalogModel, PlanContext, RequestCheck } from '../../engine/ports/planner.ts'
import { chatRequest, embeddingsRequest } from './openai-requests.ts'
import { isPlainChat } from './plain-chat.ts'
import { refusal } from './validation.ts'

export function planContext(engine: Engine, system: System, deadlineMs: number): PlanContext {
  const soon = () => new Promise<void>((resolve) => system.soon(resolve))
  return { check: checkRequest, catalog: engine.models().map(catalogModel), deadlineMs, soon }
}

const checkRequest: RequestCheck = (kind, request) => {
  if (kind === 'embed') return refusal(embeddingsRequest, request)
  return isPlainChat(request) ? null : refusal(chatRequest, request)
}

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
