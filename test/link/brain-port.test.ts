/** Two ways of joining edges and brain, which share one contract: in one process, and over a Unix socket. */
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import type { AttemptEvents, AttemptLinks } from '../../orchestrator/engine/ports/scouts.ts'
import type { Link } from '../../orchestrator/link/link.ts'
import {
  type AttemptMessage,
  carrierOver,
  deliver,
  type FromEdge,
  holderOver,
  isAttempt,
  isFromScouts,
  isToScouts,
  type ToEdge,
} from '../../orchestrator/link/messages.ts'
import { dialLink, listenLinks } from '../../orchestrator/link/unix-socket.ts'
import { realSystem } from '../../shared/system.ts'
import { brainPortContract, type Heard, type Join } from '../contract/brain-port.ts'
import { until } from '../support/clocks/until.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

function noting<T>(heard: Heard, names: readonly (keyof T & string)[]): T {
  return Object.fromEntries(names.map((name) => [name, (...facts: unknown[]) => heard.note(name, ...facts)])) as T
}

function ends(heard: Heard) {
  return {
    brain: noting<{ fromClients(message: unknown): void; fromScouts(message: unknown): void }>(heard, [
      'fromClients',
      'fromScouts',
    ]),
    edge: noting<{ toClients(message: unknown): void; toScouts(message: unknown): void }>(heard, [
      'toClients',
      'toScouts',
    ]),
    holder: noting<AttemptLinks>(heard, ['task', 'cancel', 'flow', 'resumed']),
    carrier: noting<AttemptEvents>(heard, ['chunk', 'settle', 'broken', 'alive']),
  }
}

const directly: Join = async (heard) => ({ ...ends(heard), arrived: async () => {} })

type AtBrain = FromEdge | AttemptMessage
type AtEdge = ToEdge | AttemptMessage

const overSocket: Join = async (heard) => {
  let count = 0
  const { brain, edge, holder, carrier } = ends({
    note: (...facts) => {
      count++
      heard.note(...facts)
    },
  })
  const path = join(temporaryFolder(), 'brain.sock')
  const system = realSystem()
  const met = Promise.withResolvers<Link<AtBrain, AtEdge>>()
  const ended = () => {}
  const listener = listenLinks<AtBrain, AtEdge>(system, path, (link) => {
    met.resolve(link)
    const receive = (message: AtBrain, body: Uint8Array | null) => {
      if (isAttempt(message)) return deliver(message, body, holder, carrier)
      return isFromScouts(message) ? brain.fromScouts(message) : brain.fromClients(message)
    }
    return { receive, ended }
  })
  const toBrain = await dialLink<AtEdge, AtBrain>(system, path, {
    receive: (message, body) => {
      if (isAttempt(message)) return deliver(message, body, holder, carrier)
      return isToScouts(message) ? edge.toScouts(message) : edge.toClients(message)
    },
    ended,
  })
  const toEdge = await met.promise
  onTestFinished(() => {
    toBrain.end('the test is over')
    toEdge.end('the test is over')
    listener.stop()
  })
  return {
    brain: { fromClients: (message) => toBrain.send(message), fromScouts: (message) => toBrain.send(message) },
    edge: { toClients: (message) => toEdge.send(message), toScouts: (message) => toEdge.send(message) },
    holder: holderOver(toEdge, () => 3),
    carrier: carrierOver(toEdge),
    arrived: (messages) => until(`${messages} messages to arrive`, () => count === messages),
  }
}

describe('edges and brain joined directly', () => brainPortContract(directly))
describe('edges and brain joined over a socket', () => brainPortContract(overSocket))
