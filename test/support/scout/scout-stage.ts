/** A real scout with a real socket against a fake hub, dialing again without delay, torn down after each test. */

import { websocketDial } from '../../../scout/link/socket.ts'
import type { Log } from '../../../scout/log.ts'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { Scout } from '../../../scout/process/scout.ts'
import type { Provider } from '../../../scout/providers/provider.ts'
import { realSystem, type System } from '../../../shared/system.ts'
import { Conditions } from '../clocks/conditions.ts'
import type { HeldSystem } from '../clocks/held-system.ts'
import { until } from '../clocks/until.ts'
import { ScriptedProvider } from '../providers/scripted-provider.ts'
import { FakeHub, type FakeSession } from './fake-hub.ts'

/** The real clock, without jitter: every backoff comes out as zero. */
export function eagerSystem(): System {
  return { ...realSystem(), random: () => 0 }
}

interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
}

function recordingLog(lines: LogLine[]): Log {
  const at = (level: LogLine['level']) => (_facts: object, message: string) => void lines.push({ level, message })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export class ScoutStage {
  readonly hub = new FakeHub()
  readonly provider = new ScriptedProvider()
  readonly log: LogLine[] = []
  readonly logger = recordingLog(this.log)
  end: { refused: boolean; reason: string } | null = null
  scout!: Scout
  catalog!: Catalog
  private readonly conditions = new Conditions()

  constructor(
    readonly system: System | HeldSystem = eagerSystem(),
    private readonly concurrency = 4,
    private readonly others: Provider[] = [],
    private readonly requestBytesMax?: number,
  ) {}

  async start(): Promise<void> {
    const { system, logger: log } = this
    this.catalog = new Catalog(system, log, [this.provider, ...this.others])
    await this.catalog.open()
    this.scout = new Scout(
      {
        name: 'tester',
        concurrency: this.concurrency,
        ...(this.requestBytesMax && { requestBytesMax: this.requestBytesMax }),
      },
      {
        system,
        dial: websocketDial(this.hub.url, 'key', system),
        catalog: this.catalog,
        log,
        stopped: (refused, reason) => {
          this.end = { refused, reason }
          this.conditions.changed()
        },
      },
    )
    this.scout.start()
  }

  /** Its next session, once the scout has invited work. */
  async connected(): Promise<FakeSession> {
    const session = await this.hub.session()
    await session.heard('credit')
    return session
  }

  stopped(): Promise<{ refused: boolean; reason: string }> {
    return this.conditions.until('the end of the scout', () => this.end ?? undefined)
  }

  async close(): Promise<void> {
    this.catalog.close()
    // A hub that refuses for good ends the scout whatever it is doing.
    for (const session of this.hub.sessions) session.close(4504)
    this.hub.refuseWith = 401
    const { system } = this
    await until('the end of the scout', () => {
      // A dial that is due at once, where time stands still.
      if ('advance' in system) system.advance(0)
      return this.end !== null
    })
    await this.hub.stop()
  }
}
