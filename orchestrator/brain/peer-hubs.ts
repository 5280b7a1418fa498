/**
 * Other hubs of a network at a hub with edges. The brain holds the connection to the servers between hubs, so the
 * sessions that stand for other hubs are in this process, and edges reach them over their links to it; what they answer
 * goes from here to the edge whose client asked. Edges are told what they have to know of the network.
 */
import { isDeepStrictEqual } from 'node:util'
import { networkTellMs } from '../../shared/limits/process.ts'
import { every, type System, type Timer } from '../../shared/system.ts'
import type { Network } from '../cluster/network.ts'
import type { HubEngine } from '../engine/engine.ts'
import { Numbers } from '../engine/numbers.ts'
import type { NetworkState } from '../engine/ports/network/network-state.ts'
import type { AttemptEvents } from '../engine/ports/scouts.ts'
import { ScoutDesk } from '../engine/scout-desk.ts'
import { Gateway } from '../gateway/gateway.ts'
import type { Edges } from './edges.ts'
import { startNetwork } from './open-network.ts'

interface PeerHubsParts {
  system: System
  engine: HubEngine
  edges: Edges
  network: Pick<Network, 'state' | 'otherHubs' | 'start' | 'shareLedger' | 'stop'>
  log: { error(fields: object, message: string): void }
}

export class PeerHubs {
  private readonly gateway: Gateway
  private told: NetworkState
  private timer: Timer | null = null

  constructor(private readonly parts: PeerHubsParts) {
    const { system, engine, edges, network, log } = parts
    const numbers: Numbers = new Numbers(() => numbers.add(edges.ownSessions()))
    for (let block = 0; block < 2; block++) numbers.add(edges.ownSessions())
    this.gateway = new Gateway({
      system,
      // Nobody dials this process.
      keys: () => ({ ok: false, flaw: 'scouts dial the edges' }),
      connectionsMax: 0,
      nextSession: () => numbers.next(),
      otherHubs: () => network.otherHubs(),
      onDefect: (err) => log.error({ err }, "another hub's frame met a defect of this orchestrator"),
    })
    const desk = new ScoutDesk({ brain: engine.port, answers: this.carriers(), links: this.gateway.links })
    edges.host(desk)
    this.gateway.start(desk)
    this.told = network.state()
  }

  /** Begins to take part. */
  start(): void {
    const { system, engine, network } = this.parts
    startNetwork(network, engine, this.gateway)
    this.timer = every(system, networkTellMs, () => this.look())
    this.look()
  }

  private look(): void {
    const { edges, network } = this.parts
    const state = network.state()
    if (isDeepStrictEqual(state, this.told)) return
    this.told = state
    edges.tellAll({ type: 'network', state })
  }

  /** As at an edge, credits go apart from the settlement that they came with, which takes a longer way. */
  private carriers(): AttemptEvents {
    const { edges, engine } = this.parts
    return {
      chunk: (session, head, body) => edges.carrierOf(head.task).chunk(session, head, body),
      settle(session, settlement, body) {
        const { task, credits } = settlement
        if (credits > 0) engine.port.fromScouts({ type: 'credit', session, count: credits })
        edges.carrierOf(task).settle(session, credits > 0 ? { ...settlement, credits: 0 } : settlement, body)
      },
      broken: (session, task, attempt, cause) => edges.carrierOf(task).broken(session, task, attempt, cause),
      alive: (session, task, attempt) => edges.carrierOf(task).alive(session, task, attempt),
    }
  }

  /** Ends the connection between hubs, and with it the sessions. */
  async stop(): Promise<void> {
    this.timer?.cancel()
    await this.parts.network.stop()
    await this.gateway.closeAll()
  }
}
