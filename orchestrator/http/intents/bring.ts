/**
 * Intents of other hubs of a network, for the routes of one intent: what is asked for is brought here first. To look is
 * all that can be done here; whoever wants to change one is told which hub has it.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
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

/** The same for what would change it. */
export function changed(handle: Handler, nameOf = ({ params }: RequestContext) => params.id): Handler {
  return brought((context) => {
    const hub = context.edge.intents.whereabouts(nameOf(context))
    return hub === null ? handle(context) : refuse(context.id, elsewhere(context, hub))
  }, nameOf)
}

function elsewhere({ edge }: RequestContext, name: string): Fault {
  const url = edge.network?.listing().hubs.find((hub) => hub.name === name)?.url
  const where = url === undefined ? name : `${name}, ${url}`
  return fault('invalid_request', `This intent is with another hub of this network (${where}): ask that one.`)
}
