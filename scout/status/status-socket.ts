/**
 * The line between a running scout and `chasm-scout status` or `drain` on the same machine: a socket in the state
 * folder. It takes one word and returns one JSON line; after `drain` the connection stays open until the scout has
 * ended. Who may connect is decided by the folder's mode alone. A socket whose scout is gone is recognised and removed.
 * The running scout listens without `node:net`, which would cost it 1 MB; only the asking side loads that.
 */
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import {
  statusAnswerBytesMax,
  statusAnswerMs,
  statusAskersMax,
  statusQuestionBytesMax,
} from '../../shared/limits/command-line.ts'
import type { System } from '../../shared/system.ts'
import { openStateFolder } from './state-folder.ts'
import type { ScoutStatus } from './status.ts'

/** What the socket needs of the scout. */
export interface Answering {
  status(): ScoutStatus
  drain(reason: string): void
}

const ending = '.sock'
const questions = ['status', 'drain'] as const
type Question = (typeof questions)[number]

/** Listens in `folder` until the process ends. Rejects with an Error of one sentence when that cannot be. */
export async function listenForStatus(folder: string, system: System, scout: Answering): Promise<() => void> {
  const flaw = openStateFolder(folder)
  if (flaw !== null) throw new Error(flaw)
  // A scout that is killed again and again would else leave a socket each time.
  if (socketsIn(folder).length > 0) void findScouts(folder, system)
  // Random, because a scout's name may hold slashes and a number of a process is not the only one of its kind.
  const path = join(folder, `${Buffer.from(system.randomBytes(8)).toString('hex')}${ending}`)
  let askers = 0
  try {
    Bun.listen<Asker>({
      unix: path,
      socket: {
        open(socket) {
          socket.data = { text: '' }
          if (++askers > statusAskersMax) socket.terminate()
        },
        data: (socket, bytes) => serve(socket, bytes, scout),
        close: () => void askers--,
      },
    })
  } catch (error) {
    const { code } = error as { code?: string }
    throw new Error(`No socket can be made in ${folder} (${code}): set SCOUT_STATE_DIR to another folder.`)
  }
  chmodSync(path, 0o600)
  return () => rmSync(path, { force: true })
}

interface Asker {
  text: string
}

function serve(socket: Bun.Socket<Asker>, bytes: Buffer, scout: Answering): void {
  const text = socket.data.text + bytes.toString('latin1')
  socket.data.text = text
  if (!text.includes('\n') && text.length <= statusQuestionBytesMax) return
  const question = questions.find((known) => text === `${known}\n`)
  if (question === undefined) return void socket.terminate()
  socket.data.text = ''
  const answer = `${JSON.stringify(scout.status())}\n`
  if (question === 'status') return void socket.end(answer)
  socket.write(answer)
  scout.drain('`chasm-scout drain` asked for it')
}

/** A scout that was found, or one that does not answer. */
export interface Found {
  path: string
  /** Null when a process holds the socket but does not answer. */
  status: ScoutStatus | null
}

/** Every scout of this user that runs in `folder`. Sockets of scouts that are gone are removed on the way. */
export async function findScouts(folder: string, system: System): Promise<Found[]> {
  const answers = await Promise.all(socketsIn(folder).map(async (path) => ({ path, answer: await ask(path, system) })))
  return answers.flatMap(({ path, answer }) => (answer === 'gone' ? [] : [{ path, status: answer }]))
}

function socketsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name))
  } catch {
    // No folder, or none that can be read: no scout of this user.
    return []
  }
}

async function ask(path: string, system: System): Promise<ScoutStatus | null | 'gone'> {
  const line = await open(path, 'status')
  const timer = system.after(statusAnswerMs, () => line.socket.destroy())
  try {
    return await line.status
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'ECONNREFUSED' && code !== 'ENOENT') return null
    rmSync(path, { force: true })
    return 'gone'
  } finally {
    timer.cancel()
    line.socket.destroy()
  }
}

/** Asks the scout at `path` to drain. Resolves when it has answered; `ended` resolves once it has ended. */
export async function drainScout(path: string): Promise<{ ended: Promise<void> }> {
  const line = await open(path, 'drain')
  const ended = new Promise<void>((resolve) => line.socket.once('close', () => resolve()))
  await line.status
  return { ended }
}

async function open(path: string, question: Question): Promise<{ socket: Socket; status: Promise<ScoutStatus> }> {
  const { connect } = await import('node:net')
  const socket = connect(path)
  socket.on('connect', () => socket.write(`${question}\n`))
  const status = new Promise<ScoutStatus>((resolve, reject) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('utf8')
      if (text.length > statusAnswerBytesMax) return void socket.destroy()
      if (!text.endsWith('\n')) return
      try {
        resolve(JSON.parse(text) as ScoutStatus)
      } catch (error) {
        reject(error)
      }
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('no answer')))
  })
  return { socket, status }
}
