/**
 * A scout as a process: log, signals, offers, link, the status socket, exit codes. `start` gives it the configured
 * providers, `defineScout` those of its caller. The first SIGTERM, SIGINT or SIGHUP drains it, the second ends it at
 * once. Under a supervisor with a message channel it sends `connected` once and takes `drain` for a signal.
 * Exit codes: 0 drained, 1 refused or broken, 2 bad configuration.
 */
import { readFileSync } from 'node:fs'
import type { AnswerKey } from '../../shared/answers/answer-keys.ts'
import { signalEchoMs } from '../../shared/limits/process.ts'
import type { System } from '../../shared/system.ts'
import { endpointOf, type ScoutConfig } from '../config.ts'
import { HubRing, ringDial } from '../link/hub-ring.ts'
import { websocketDial } from '../link/socket.ts'
import { isTerminal, type Log, openLog, openPrettyLog, openScreen } from '../log.ts'
import { Catalog } from '../offers/catalog.ts'
import type { Provider } from '../providers/provider.ts'
import type { LiveView } from '../status/live-view.ts'
import { stateFolder } from '../status/state-folder.ts'
import { statusLines } from '../status/status.ts'
import { listenForStatus } from '../status/status-socket.ts'
import { keepKnownHubs, readKnownHubs } from './known-hubs.ts'
import { Scout, type ScoutSettings } from './scout.ts'
import { signingKey } from './signing-key.ts'

/** Makes the providers; throws an Error of one sentence when the configuration asks for what cannot be. */
export type ProviderSource = (log: Log, signal: AbortSignal) => Promise<Provider[]>

/** Runs until the scout has ended, then ends the process. Resolves once it dials. */
export async function runScout(config: ScoutConfig, source: ProviderSource, system: System): Promise<void> {
  const { log, view } = await openOutput(config, system)
  listenForDefects(log)
  const starting = new AbortController()
  let drain = (reason: string): void => {
    starting.abort()
    end(log, 0, `Stopped before it was connected: ${reason}.`)
  }
  listenForTheEnd(system, log, (reason) => drain(reason))

  const catalog = new Catalog(system, log, await providersOf(source, log, starting.signal))
  const stopped = (refused: boolean, reason: string) => {
    view?.stop()
    end(log, refused ? 1 : 0, reason)
  }
  const scout = compose({ ...config, signingKey: keyOf(config, system) }, catalog, log, system, stopped)
  view?.show(() => statusLines(scout.status()))
  const answering = { status: () => scout.status(), drain: (reason: string) => drain(reason) }
  await openToStatus(answering, system, log)
  await offersOf(catalog, log)
  drain = (reason) => {
    log.info({}, `Draining: ${reason}; finishing what runs`)
    scout.drain(reason)
  }
  log.info({}, `Dialing ${config.url}`)
  scout.start()
}

/** The live view needs a terminal of its own: under a supervisor, others write there too. */
async function openOutput(config: ScoutConfig, system: System): Promise<{ log: Log; view: LiveView | null }> {
  if (!isTerminal() || config.logFormat === 'json') return { log: openLog(config.logLevel, system), view: null }
  // As with the pretty log: a scout in a container never loads it.
  const { LiveView } = await import('../status/live-view.ts')
  const view = new LiveView(openScreen(system), system)
  const log = await openPrettyLog(config.logLevel, (text) => view.print(text))
  return { log, view: process.send === undefined ? view : null }
}

/** Undefined where answers are not signed. */
function keyOf({ signingKeyFile }: ScoutConfig, system: System): AnswerKey | undefined {
  if (signingKeyFile === null) return undefined
  const key = signingKey(signingKeyFile, system)
  return typeof key === 'string' ? refuse([key]) : key
}

function compose(
  config: ScoutConfig & Pick<ScoutSettings, 'signingKey'>,
  catalog: Catalog,
  log: Log,
  system: System,
  stopped: (refused: boolean, reason: string) => void,
): Scout {
  let announced = false
  const folder = stateFolder(process.env)
  const ring = new HubRing(config.url, readKnownHubs(folder, config.url), (hubs) =>
    keepKnownHubs(folder, config.url, hubs),
  )
  return new Scout(config, {
    system,
    dial: ringDial(ring, (endpoint) => websocketDial(endpoint, config.key, system)),
    catalog,
    log,
    welcomed({ hubs = [] }) {
      ring.welcomed(hubs.flatMap(([address]) => endpointOf(address) ?? []).filter((endpoint) => endpoint !== 'secret'))
      if (announced) return
      announced = true
      const offers = catalog.offers()
      process.send?.({ type: 'connected', provider: offers[0]?.provider, models: offers.map(({ model }) => model) })
    },
    stopped,
  })
}

async function providersOf(source: ProviderSource, log: Log, signal: AbortSignal): Promise<Provider[]> {
  try {
    return await source(log, signal)
  } catch (error) {
    return refuse([error instanceof Error ? error.message : String(error)])
  }
}

/** Without a status socket the scout works all the same: an image may have no writable folder. */
async function openToStatus(scout: Parameters<typeof listenForStatus>[2], system: System, log: Log): Promise<void> {
  try {
    const close = await listenForStatus(stateFolder(process.env), system, scout)
    process.on('exit', close)
  } catch (error) {
    log.warn({}, `\`chasm-scout status\` and \`drain\` will not find this scout: ${(error as Error).message}`)
  }
}

/** Resolves with the first offers: without any the scout could take no task. */
async function offersOf(catalog: Catalog, log: Log): Promise<void> {
  const offering = new Promise<void>((resolve) => catalog.watch(resolve))
  await catalog.open()
  if (catalog.offers().length > 0) return
  log.warn({}, 'No provider offers a model yet; the scout dials as soon as one does')
  await offering
}

function listenForTheEnd(system: System, log: Log, drain: (reason: string) => void): void {
  let firstMs: number | null = null
  const onSignal = (signal: string) => {
    // One Ctrl-C may come twice: from the terminal and again through the process that started this one.
    if (firstMs !== null && system.nowMs() - firstMs < signalEchoMs) return
    if (firstMs !== null) return end(log, 1, `Ended at once by a second ${signal}.`)
    firstMs = system.nowMs()
    drain(`received ${signal}`)
  }
  process.on('SIGTERM', () => onSignal('SIGTERM'))
  process.on('SIGINT', () => onSignal('SIGINT'))
  // The terminal was closed: work is handed over as with every other signal, unless `nohup` asks to ignore it.
  if (!ignoresHangUp()) process.on('SIGHUP', () => onSignal('SIGHUP'))
  if (process.send === undefined) return
  process.on('message', (message: { type?: unknown } | null) => {
    if (message?.type === 'drain') drain('the supervisor asked for it')
  })
  process.on('disconnect', () => drain('the supervisor is gone'))
}

/** Whether this process was started with SIGHUP ignored; a listener would undo that. Known on Linux only. */
function ignoresHangUp(): boolean {
  try {
    const lowest = /^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'
    return (Number.parseInt(lowest, 16) & 1) === 1
  } catch {
    return false
  }
}

/** The last resort: a defect is logged and counted, and the other tasks go on. */
function listenForDefects(log: Log): void {
  let defects = 0
  const onDefect = (error: unknown) => {
    const stack = error instanceof Error ? error.stack : String(error)
    log.error({ defects: ++defects, stack }, 'A defect of this scout was caught at the last resort')
  }
  process.on('uncaughtException', onDefect)
  process.on('unhandledRejection', onDefect)
}

/** Ends the process because of its configuration: one sentence per flaw on standard error. */
export function refuse(sentences: string[]): never {
  process.stderr.write(`${sentences.join('\n')}\n`)
  process.exit(2)
}

function end(log: Log, code: number, sentence: string): never {
  if (code === 0) log.info({}, sentence)
  else log.error({}, sentence)
  process.exit(code)
}
