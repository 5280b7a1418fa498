/**
 * The scout as a process, and the only file that knows all of its parts: environment, providers, offers, link, signals.
 * The first SIGTERM or SIGINT drains it, the second ends it at once. Under a supervisor with a message channel it says
 * `connected` once and takes `drain` for a signal. Exit codes: 0 drained, 1 refused or broken, 2 bad configuration.
 */
import { signalEchoMs } from '../shared/limits.ts'
import { realSystem } from '../shared/system.ts'
import { Catalog } from './catalog.ts'
import { readConfig, type ScoutConfig } from './config.ts'
import { type Log, openLog } from './log.ts'
import { configuredProviders, type ProviderSettings, readProviderSettings } from './providers/configured.ts'
import type { Provider } from './providers/provider.ts'
import { Scout } from './scout.ts'
import { websocketDial } from './socket.ts'

const system = realSystem()

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const settings = readProviderSettings(process.env)
  if (Array.isArray(config) || Array.isArray(settings)) {
    return refuse([config, settings].flatMap((read) => (Array.isArray(read) ? (read as string[]) : [])))
  }
  const log = await openLog(config.logLevel)
  listenForDefects(log)
  const starting = new AbortController()
  let drain = (reason: string): void => {
    starting.abort()
    end(log, 0, `Stopped before it was connected: ${reason}.`)
  }
  listenForTheEnd(log, (reason) => drain(reason))

  const catalog = new Catalog(system, log, await providersOf(settings, log, starting.signal))
  await offersOf(catalog, log)
  const scout = compose(config, catalog, log)
  drain = (reason) => {
    log.info({}, `Draining: ${reason}; finishing what runs`)
    scout.drain(reason)
  }
  log.info({}, `Dialing ${config.url}`)
  scout.start()
}

function compose(config: ScoutConfig, catalog: Catalog, log: Log): Scout {
  let announced = false
  return new Scout(config, {
    system,
    dial: websocketDial(config.url, config.key, system),
    catalog,
    log,
    welcomed() {
      if (announced) return
      announced = true
      const offers = catalog.offers()
      process.send?.({ type: 'connected', provider: offers[0]?.provider, models: offers.map(({ model }) => model) })
    },
    stopped: (refused, reason) => end(log, refused ? 1 : 0, reason),
  })
}

async function providersOf(settings: ProviderSettings, log: Log, signal: AbortSignal): Promise<Provider[]> {
  try {
    const { providers, notes } = await configuredProviders(settings, system, signal)
    for (const note of notes) log.info({}, note)
    return providers
  } catch (error) {
    return refuse([error instanceof Error ? error.message : String(error)])
  }
}

/** Resolves with the first offers: a scout without any would only wait at the hub. */
async function offersOf(catalog: Catalog, log: Log): Promise<void> {
  const offering = new Promise<void>((resolve) => catalog.watch(resolve))
  await catalog.open()
  if (catalog.offers().length > 0) return
  log.warn({}, 'No provider offers a model yet; the scout dials as soon as one does')
  await offering
}

function listenForTheEnd(log: Log, drain: (reason: string) => void): void {
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
  if (process.send === undefined) return
  process.on('message', (message: { type?: unknown } | null) => {
    if (message?.type === 'drain') drain('the supervisor asked for it')
  })
  process.on('disconnect', () => drain('the supervisor is gone'))
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

function refuse(sentences: string[]): never {
  process.stderr.write(`${sentences.join('\n')}\n`)
  process.exit(2)
}

function end(log: Log, code: number, sentence: string): never {
  if (code === 0) log.info({}, sentence)
  else log.error({}, sentence)
  process.exit(code)
}

await main()
