/**
 * What the scout tells its operator: one calm line per event a person cares about, per-task lines only at debug.
 * On a terminal the lines are pretty, elsewhere JSON. Nothing secret is ever handed to it, so it hides nothing.
 */
import { pino } from 'pino'
import pretty from 'pino-pretty'

/** The port; pino's loggers are ones. `facts` are small and plain. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Writes to standard output, each line before the call returns. */
export function openLog(level: LogLevel): Log {
  if (!process.stdout.isTTY) return pino({ level, base: null }, pino.destination({ sync: true }))
  return pino({ level, base: null }, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
}
