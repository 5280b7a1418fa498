/**
 * Models that no scout offers: behind each of these names the hub plans a scroll by a template and answers with its
 * last node. `http/fleet` lists them beside the real ones.
 */
import type { IntentFields } from './intent-request.ts'

const head = 'chasm/'

interface VirtualModel {
  template: string
  about: string
  /** Whether its last node answers the conversation itself, and so can call the client's tools. */
  callsTools: boolean
}

/** The template behind each name, and its description in listings. */
const virtualModels: Record<string, VirtualModel> = {
  'chasm/auto': {
    template: 'auto',
    about: 'Lets a model plan whether and how to divide the request.',
    callsTools: false,
  },
  'chasm/map-reduce': {
    template: 'map-reduce',
    about: 'Reads a long text in parts, in parallel, and merges the answers.',
    callsTools: false,
  },
  'chasm/ensemble': {
    template: 'ensemble',
    about: 'Asks several models, and a judge makes one answer of theirs.',
    callsTools: true,
  },
  'chasm/debate': {
    template: 'debate',
    about: 'Lets models answer each other before a judge decides.',
    callsTools: true,
  },
  'chasm/plan': {
    template: 'plan-and-solve',
    about: 'Divides the request into steps, does each, and answers from them.',
    callsTools: true,
  },
}

export function isVirtual(model: string): boolean {
  return model.startsWith(head)
}

/** What there is to know of a virtual model. */
export function virtualModel(model: string): VirtualModel | undefined {
  return Object.hasOwn(virtualModels, model) ? virtualModels[model] : undefined
}

/** The template behind a name; undefined for a name that is none of these. */
export function templateOf(model: string): string | undefined {
  return virtualModel(model)?.template
}

export function callsTools(model: string): boolean {
  return virtualModel(model)?.callsTools === true
}

/** An intent that names a virtual model is planned by its template; its other fields stay. */
export function behindModel(fields: IntentFields): IntentFields {
  const { model, input, messages, ...rest } = fields
  const template = templateOf(model ?? '')
  if (template === undefined || (!messages && typeof input !== 'string')) return fields
  return { ...rest, template, params: messages ? { messages } : { input } }
}

export const virtualNames = Object.keys(virtualModels)
