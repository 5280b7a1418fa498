/**
 * The scout's log for its operator: one line for each event that concerns a person, lines about tasks only at debug.
 * On a terminal the lines are pretty, elsewhere JSON in pino's shape, written here: pino and its stream would cost a
 * container's scout 4 MB at rest and 5 MB under load. No caller passes it a secret, so it redacts nothing.
 */
import { fstatSync, writeFileSync } from 'node:fs'

/** The port; pino's loggers are ones, too. `facts` are small and plain. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['auto', 'json'] as const
export type LogFormat = (typeof logFormats)[number]

/** pino's numbers, so that whatever reads pino's lines reads ours. */
const levelNumbers = { debug: 20, info: 30, warn: 40, error: 50, silent: Number.POSITIVE_INFINITY } as const

/** JSON lines on standard output, each written before the call returns. */
export function openLog(least: LogLevel): Log {
  const at = (level: Exclude<LogLevel, 'silent'>) => {
    const number = levelNumbers[level]
    if (number < levelNumbers[least]) return () => {}
    return (facts: object, message: string) =>
      writeLine(JSON.stringify({ level: number, time: Date.now(), ...facts, msg: message }))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function writeLine(line: string): void {
  try {
    writeFileSync(1, `${line}\n`)
  } catch {
    // The reader is gone or does not keep up: a scout does not end because of its log.
  }
}

/** Whether a person may be reading. The first look spares a container's scout the 6 MB behind `process.stdout`. */
export function isTerminal(): boolean {
  return fstatSync(1).isCharacterDevice() && process.stdout.isTTY === true
}

/** Lines for people, without the facts, which the message already holds. `print` gets each with its line break. */
export async function openPrettyLog(level: LogLevel, print: (text: string) => void): Promise<Log> {
  // A scout in a container never needs it, and does not pay for its memory.
  const [{ pino }, { prettyFactory }] = await Promise.all([import('pino'), import('pino-pretty')])
  const pretty = prettyFactory({
    colorize: true,
    hideObject: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
  })
  const log: Log = pino({ level, base: null }, { write: (line) => print(pretty(line)) })
  return log
}
