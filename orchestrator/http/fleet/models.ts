/**
 * The models that can be asked for, for everyone with a client key: those that live scouts offer, read from the engine
 * at that moment, and the virtual ones.
 */
import { fault } from '../../../shared/faults.ts'
import type { ModelListing } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { shownVirtual } from '../schema/virtual-models.ts'

/** How many names a sentence about an unknown model lists. */
const namesShownMax = 10

export function listModels({ id, edge }: RequestContext): Response {
  const models = edge.engine.models()
  return jsonResponse(
    id,
    JSON.stringify({ object: 'list', data: [...models.map(shownModel), ...shownVirtual(models)] }),
  )
}

export function getModel({ id, edge, params }: RequestContext): Response {
  const model = edge.engine.model(params.id)
  if (model !== undefined) return jsonResponse(id, JSON.stringify(shownModel(model)))
  const virtual = shownVirtual(edge.engine.models()).find((shown) => (shown as { id: string }).id === params.id)
  if (virtual !== undefined) return jsonResponse(id, JSON.stringify(virtual))
  const names = edge.engine.models().map((listing) => listing.id)
  const more = names.length > namesShownMax ? ' and others, see /v1/models' : ''
  const offered =
    names.length === 0
      ? 'no scout offers any model at the moment: try again when one has connected'
      : `use one of: ${names.slice(0, namesShownMax).join(', ')}${more}`
  return refuse(id, fault('model_not_found', `No scout offers this model now; ${offered}.`, { param: 'model' }))
}

function shownModel(model: ModelListing) {
  return {
    id: model.id,
    object: 'model',
    created: model.created,
    owned_by: model.providers.join(', ') || 'chasm',
    chasm: {
      kinds: model.kinds,
      scouts: model.scouts,
      idle: model.idle,
      providers: model.providers,
      context_tokens: model.contextTokens,
      ...(model.about !== '' && { about: model.about }),
    },
  }
}
