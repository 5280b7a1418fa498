/**
 * What the scopes of a key allow: which routes it may call, which models it may see and ask, under which names scouts
 * may connect with it. One matcher serves catalogues, requests, plans and grown nodes. Pure; who is refused how is left
 * to the edges and the engine.
 */
import { type Fault, fault, plainMessage } from '../../shared/faults.ts'
import { type KeyScopes, matchesAny, type ScopedRoute } from '../../shared/keys/key-terms.ts'
import { autoModel } from '../../shared/task.ts'

export function allowsRoute({ routes }: Pick<KeyScopes, 'routes'>, route: ScopedRoute): boolean {
  return routes === null || routes.includes(route)
}

/** Whether this very model may be seen and asked. */
export function allowsModel({ models }: Pick<KeyScopes, 'models'>, model: string): boolean {
  return models === null || matchesAny(models, model)
}

/** The same of a name that a client asks for: those that leave the choice to the hub choose among the allowed. */
export function mayAskFor(scopes: Pick<KeyScopes, 'models'>, model: string): boolean {
  return scopes.models === null || model === autoModel || /^chasm\//i.test(model) || allowsModel(scopes, model)
}

export function allowsScout({ scouts }: Pick<KeyScopes, 'scouts'>, name: string): boolean {
  return scouts === null || matchesAny(scouts, name)
}

/** What a key hears that asks for a model which it may not use: the same as of one that is not there. */
export function unknownModel(model: string): Fault {
  const text = `No connected scout offers "${model}" to this key: GET /v1/models lists what it may use.`
  return fault('model_not_found', plainMessage(text), { param: 'model' })
}
