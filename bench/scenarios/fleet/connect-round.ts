/**
 * One turn of the connection scenarios: a fresh server, a fresh fleet, and how long it took until everybody was in.
 */
import type { Options, Say } from '../scenario.ts'
import { onStage } from '../stage.ts'

export interface Connected {
  seconds: number
  /** The server's processor time and memory for each socket. */
  cpuUs: number
  rssKb: number
}

export function measureConnect(
  options: Options,
  say: Say,
  kind: 'raw' | 'hub',
  dialsAtOnce: number,
): Promise<Connected> {
  const { scouts, population } = options
  return onStage(options, say, async (stage) => {
    const fleet = await stage.fleet(scouts)
    const of = async (server: { usage(): { cpuMs: number; rssMb: number } }, dial: () => Promise<number>) => {
      const before = server.usage()
      const seconds = await dial()
      const { cpuMs, rssMb } = server.usage()
      const cpuUs = ((cpuMs - before.cpuMs) * 1_000) / scouts
      return { seconds, cpuUs, rssKb: ((rssMb - before.rssMb) * 1_024) / scouts }
    }
    if (kind === 'raw') {
      const raw = await stage.raw()
      const port = await raw.call('port', null)
      return of(raw, () => fleet.dialBare(scouts, { port, key: 'none', dialsAtOnce }))
    }
    const hub = await stage.hub()
    const { port, scoutKey: key } = hub
    return of(hub, () => fleet.staff(scouts, population, { port, key, dialsAtOnce }))
  })
}
