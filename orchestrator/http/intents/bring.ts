/**
 * Intents of other hubs of a network, for the routes of one intent: what is asked for is brought here first. What is to
 * be done to it is passed on to the hub that has it, by the engine.
 */
import type { RequestContext } from '../request-context.ts'
import { refuse } from '../response/response.ts'

type Handler = (context: RequestContext) => Response | Promise<Response>

/** `nameOf`: the intent that a request is about. A hub by itself waits for nothing. */
export function brought(handle: Handler, nameOf = ({ params }: RequestContext) => params.id): Handler {
  return (context) => {
    const bringing = context.edge.intents.bring(nameOf(context))
    if (bringing === null) return handle(context)
    return bringing.then((why) => (why === null ? handle(context) : refuse(context.id, why)))
  }
}
