/** What a simulated hub is made of, be it one process or several: its disk, and sockets of the simulated network. */
import type { ServerWebSocket } from 'bun'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { LedgerSettings } from '../../../orchestrator/engine/ledger/ledger.ts'
import type { Gateway, SocketData } from '../../../orchestrator/gateway/gateway.ts'
import { ledgerOf } from '../../support/ledger/small-ledger.ts'
import { checkNumbers } from '../checks/greed.ts'
import type { Checker } from '../checks/invariants.ts'
import { simIdentity, storeFirstBatch } from '../grants.ts'
import { storePayers } from '../payers.ts'
import type { Scenario } from '../scenario.ts'
import type { Process, World } from '../world.ts'
import type { Connection } from './network.ts'
import { type CommitWatcher, FaultyDisk } from './store-faults.ts'

/**
 * Points are spent in all of them. Lives are short, and its snapshot is to be in the middle of being written when they
 * end.
 */
export const simLedger: LedgerSettings = {
  ...ledgerOf(simIdentity),
  mode: 'spend',
  snapshot: { everyMs: 4_000, rowsPerTurn: 1 },
}

/** `burn`: at this very point the process that writes may die. */
export function diskOf(
  world: World,
  scenario: Scenario,
  checker: Checker,
  isUp: () => boolean,
  burn: (where: string) => void,
): FaultyDisk {
  const watcher: CommitWatcher = {
    committing: () => burn('before a commit'),
    committed: (writes) => {
      checkNumbers(writes, (invariant, what) => checker.fail(invariant, what))
      checker.committed(writes)
      if (isUp()) burn('after a commit')
    },
    fenced: (error) => checker.fail(15, `a commit was fenced: ${error.message}`),
  }
  const pace = world.dice('commits')
  const { commitMs } = scenario
  const disk = new FaultyDisk(world.dice('disk'), watcher, () => commitMs > 0 && world.spend(pace.unit() * commitMs))
  storePayers(disk.disk)
  storeFirstBatch(disk.disk)
  disk.faults = scenario.weather.storeFaults
  return disk
}

/** What a step does need not show at any edge: after a defect the guard stands before them. */
export function watchSteps({ core }: HubEngine, checker: Checker, isBroken: () => boolean): void {
  const step = core.step.bind(core)
  core.step = (event, nowMs, out) => {
    if (isBroken()) checker.fail(24, `the hub stepped "${event.type}" after a defect`)
    if (!checker.looks.stepped(event.type)) throw checker.broken
    step(event, nowMs, out)
    checker.stepped(event)
  }
}

/** A connection of the network as a socket of this gateway, whose session is returned. `closes`: the hub closes it. */
export function accept(
  connection: Connection,
  gateway: Gateway,
  process: Process,
  closes: (session: number, operator: string, code: number, reason: string) => void,
): number {
  const { operator, address } = connection
  const data: SocketData = { admission: { operator, key: operator, address }, session: null }
  const { websocket } = gateway
  const ws = {
    data,
    sendBinary: (message: Uint8Array) => (process.alive ? connection.send('down', message) : 0),
    close: (code: number, reason: string) => {
      if (!process.alive) return
      closes(data.session!.id, operator, code, reason)
      connection.leave('hub', code, reason)
      websocket.close?.(ws, code, reason)
    },
    getBufferedAmount: () => connection.down.buffered,
  } as unknown as ServerWebSocket<SocketData>
  connection.listen('up', {
    message: (message) => void (process.alive && websocket.message?.(ws, message as Buffer<ArrayBuffer>)),
    closed: (code, reason) => void (process.alive && websocket.close?.(ws, code, reason)),
    drained: () => void (process.alive && websocket.drain?.(ws)),
  })
  websocket.open?.(ws)
  return data.session!.id
}
