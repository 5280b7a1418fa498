/**
 * The hub's log: pino, one calm line per event a person cares about. Pretty on a terminal, JSON lines otherwise. No
 * secret is ever passed to it, so nothing has to be hidden afterwards. It never holds up the hub (`shared/log-writer.ts`).
 */
import { Writable } from 'node:stream'
import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'
import { LogWriter } from '../shared/log-writer.ts'
import { realSystem } from '../shared/system.ts'

export type { Logger }

/** Logs go to standard error: standard output belongs to what a person asked to see. */
export function createLog(level: string): Logger {
  const name = 'hub'
  const droppedText = 'log lines were dropped, because nobody read them'
  if (process.stderr.isTTY) {
    const writer = new LogWriter(2, realSystem(), (count) => `${count} ${droppedText}\n`)
    const destination = new Writable({
      write(chunk, _encoding, done) {
        writer.write(String(chunk))
        done()
      },
    })
    process.on('exit', () => writer.end())
    return pino({ name, level }, pretty({ destination, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
  }
  const writer = new LogWriter(2, realSystem(), (dropped) => {
    const line = { level: 40, time: Date.now(), name, dropped, msg: droppedText }
    return `${JSON.stringify(line)}\n`
  })
  process.on('exit', () => writer.end())
  return pino({ name, level }, writer)
}
