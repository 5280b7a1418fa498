/**
 * All clients that the score card shows, in its order. The two files beside it hold the tables; `features.test.ts` fails
 * when a title in them is no test's any more.
 */
import { agentClients } from './agent-clients.ts'
import { type Client, chatClients } from './features.ts'

export const clients: readonly Client[] = [...chatClients, ...agentClients]
