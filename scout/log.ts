/**
 * What the scout tells its operator: one calm line per event a person cares about, per-task lines only at debug.
 * On a terminal the lines are pretty, elsewhere JSON. Nothing secret is ever handed to it, so it hides nothing.
 */
import { pino } from 'pino'

/** The port; pino's loggers are ones. `facts` are small and plain. */
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

/** JSON lines on standard output, each written before the call returns. */
export function openLog(level: LogLevel): Log {
  return pino({ level, base: null }, pino.destination({ sync: true }))
}

/** Lines for people, without the facts, which the words already say. `print` gets each with its line break. */
export async function openPrettyLog(level: LogLevel, print: (text: string) => void): Promise<Log> {
  // A scout in a container never needs it, and does not pay for its memory.
  const { prettyFactory } = await import('pino-pretty')
  const pretty = prettyFactory({
    colorize: true,
    hideObject: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
  })
  const log: Log = pino({ level, base: null }, { write: (line) => print(pretty(line)) })
  return log
}
