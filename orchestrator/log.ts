/**
 * The hub's log: pino, one calm line per event a person cares about. Pretty on a terminal, JSON lines otherwise. No
 * secret is ever passed to it, so nothing has to be hidden afterwards.
 */
import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/** Logs go to standard error: standard output belongs to what a person asked to see. */
export function createLog(level: string): Logger {
  const name = 'hub'
  if (process.stderr.isTTY) {
    const stream = pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
    return pino({ name, level }, stream)
  }
  return pino({ name, level }, pino.destination({ dest: 2, sync: true }))
}
