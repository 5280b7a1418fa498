/**
 * The hub's own models as listings show them, beside the real ones: as long as there is a chat model to carry them out.
 */
import { abilitiesOf } from '../../../shared/task.ts'
import type { ModelListing } from '../../engine/ports/client.ts'
import { virtualModel, virtualNames } from '../schema/virtual-models.ts'
import { shownTraits } from './model-view.ts'

const pricedByWhoAnswers = { contextTokens: 0, promptPrice: null, answerPrice: null }

export function shownVirtual(models: readonly ModelListing[]): { id: string }[] {
  let created = Number.POSITIVE_INFINITY
  for (const model of models) if (model.kinds.includes('chat')) created = Math.min(created, model.created)
  if (created === Number.POSITIVE_INFINITY) return []
  return virtualNames.map((id) => {
    const { template, about, callsTools } = virtualModel(id)!
    const abilities = abilitiesOf(callsTools ? ['json', 'tools'] : ['json'])
    return {
      ...{ id, object: 'model', created, owned_by: 'chasm' },
      ...shownTraits({ id, about, embeds: false, abilities, ...pricedByWhoAnswers }),
      chasm: { kinds: ['chat'], virtual: true, template, about },
    }
  })
}
