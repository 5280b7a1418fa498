/**
 * The program of an edge: started by `hub-processes.ts`, to which it says where it listens. It owns exit codes;
 * `edge.ts` is the edge itself.
 */
import { defectCode } from '../../shared/limits/process.ts'
import { realSystem } from '../../shared/system.ts'
import type { Config } from '../config.ts'
import type { EngineDefect } from '../engine/ports/defect.ts'
import type { GatewaySettings } from '../gateway/gateway.ts'
import type { Logger } from '../log.ts'
import { startEdge } from './edge.ts'

/**
 * Runs until the brain ends it, or none has been there for long. `runDir`: where the sockets between the processes are.
 */
export async function runEdge(
  config: Config,
  hubLog: Logger,
  runDir: string,
  gateway: Partial<GatewaySettings> = {},
): Promise<void> {
  const log = hubLog.child({ part: 'edge', pid: process.pid })
  const onDefect = ({ during, fields, cause }: EngineDefect) => {
    log.fatal({ err: cause, during, ...fields }, 'an edge met a defect and ends; please report it')
    process.exit(defectCode)
  }
  const onEnd = (why: string | null) => {
    if (why !== null) log.error(`this edge ends: ${why}`)
    process.exit(why === null ? 0 : defectCode)
  }
  // Without who started it, it would live on unseen and hold the port.
  process.on('disconnect', () => process.exit(defectCode))
  let url: string | null = null
  const sayReady = () => {
    if (url !== null) process.send?.({ part: 'edge', url })
  }
  try {
    const edge = await startEdge({
      config,
      runDir,
      name: String(process.pid),
      system: realSystem(),
      log,
      gateway,
      onDefect,
      onEnd,
      onTakenOver: sayReady,
      // Whoever started both ends what stands still.
      onSilence: (pid) => process.send?.({ part: 'edge', silent: pid }),
    })
    url = edge.url
    sayReady()
  } catch (error) {
    log.error(`an edge cannot start. ${(error as Error).message}`)
    process.exit(1)
  }
}
