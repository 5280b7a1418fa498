/**
 * The scout's log for its operator: one line for each event that concerns a person, lines about tasks only at debug.
 * On a terminal the lines are pretty, elsewhere JSON in pino's shape, written here: pino and its stream would cost a
 * container's scout 4 MB at rest and 5 MB under load. No caller passes it a secret, so it redacts nothing. It never
 * holds up the scout: `shared/log-writer.ts`.
 */
import { fstatSync } from 'node:fs'
import { LogWriter } from '../shared/log-writer.ts'
import type { System } from '../shared/system.ts'

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

const standardOutput = 1
const droppedText = 'log lines were dropped, because nobody read them'

/** JSON lines on standard output. */
export function openLog(least: LogLevel, system: System): Log {
  const lineOf = (level: number, facts: object, message: string) =>
    `${JSON.stringify({ level, time: Date.now(), ...facts, msg: message })}\n`
  const writer = openWriter(system, (dropped) => lineOf(levelNumbers.warn, { dropped }, droppedText))
  const at = (level: Exclude<LogLevel, 'silent'>) => {
    const number = levelNumbers[level]
    if (number < levelNumbers[least]) return () => {}
    return (facts: object, message: string) => writer.write(lineOf(number, facts, message))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function openWriter(system: System, droppedLine: (count: number) => string): LogWriter {
  const writer = new LogWriter(standardOutput, system, droppedLine)
  process.on('exit', () => writer.end())
  return writer
}

/** The terminal, to be drawn on: one that is paused or was closed holds up nobody either. */
export function openScreen(system: System) {
  const writer = openWriter(system, (dropped) => `${dropped} ${droppedText}\n`)
  return {
    get columns(): number | undefined {
      return process.stdout.columns
    },
    get rows(): number | undefined {
      return process.stdout.rows
    },
    write: (text: string) => writer.write(text),
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
