/**
 * Models that no scout offers: behind each of these names the hub plans a scroll by a template and answers with its
 * last node. They are listed beside the real ones.
 */
import type { ModelListing } from '../../engine/ports/client.ts'
import type { IntentFields } from './intent-request.ts'

const head = 'chasm/'

/** The template behind each name, and its description in listings. */
const virtualModels: Record<string, { template: string; about: string }> = {
  'chasm/auto': { template: 'auto', about: 'Lets a model plan whether and how to divide the request.' },
  'chasm/map-reduce': {
    template: 'map-reduce',
    about: 'Reads a long text in parts, in parallel, and merges the answers.',
  },
  'chasm/ensemble': { template: 'ensemble', about: 'Asks several models, and a judge makes one answer of theirs.' },
  'chasm/debate': { template: 'debate', about: 'Lets models answer each other before a judge decides.' },
  'chasm/plan': {
    template: 'plan-and-solve',
    about: 'Divides the request into steps, does each, and answers from them.',
  },
}

export function isVirtual(model: string): boolean {
  return model.startsWith(head)
}

/** The template behind a name; undefined for a name that is none of these. */
export function templateOf(model: string): string | undefined {
  return Object.hasOwn(virtualModels, model) ? virtualModels[model]!.template : undefined
}

/** An intent that names a virtual model is planned by its template; its other fields stay. */
export function behindModel(fields: IntentFields): IntentFields {
  const { model, input, messages, ...rest } = fields
  const template = templateOf(model ?? '')
  if (template === undefined || (!messages && typeof input !== 'string')) return fields
  return { ...rest, template, params: messages ? { messages } : { input } }
}

export const virtualNames = Object.keys(virtualModels)

/** As the real ones are shown, as long as there is a chat model to carry them out. */
export function shownVirtual(models: readonly ModelListing[]): object[] {
  const created = models.filter(({ kinds }) => kinds.includes('chat')).map((model) => model.created)
  if (created.length === 0) return []
  return virtualNames.map((id) => {
    const { template, about } = virtualModels[id]!
    const chasm = { kinds: ['chat'], virtual: true, template, about }
    return { id, object: 'model', created: Math.min(...created), owned_by: 'chasm', chasm }
  })
}
