/**
 * `chasm-scout status` and `chasm-scout drain`: finds the scouts of this user that run on this machine and asks them.
 * What they answer and how a dead one is recognised is `status-socket.ts`'s.
 * Exit codes: 0 asked and answered, 1 no such scout or one that hangs.
 */

import { loadEnvFile } from '../../shared/env-file.ts'
import { drainKillMs } from '../../shared/limits/process.ts'
import { realSystem } from '../../shared/system.ts'
import { stateFolder } from '../status/state-folder.ts'
import { type ScoutStatus, statusLines } from '../status/status.ts'
import { drainScout, type Found, findScouts } from '../status/status-socket.ts'

interface Answered extends Found {
  status: ScoutStatus
}

const startOne = 'start one with `chasm-scout start`, or set SCOUT_STATE_DIR to the folder of the one you mean'

/** Prints every running scout, or the one called `name`. */
export async function status(name: string | undefined, isJson: boolean): Promise<number> {
  const scouts = await running(name)
  if (scouts.length === 0) return 1
  const print = ({ status }: Answered) => (isJson ? JSON.stringify(status) : statusLines(status).join('\n'))
  process.stdout.write(`${scouts.map(print).join(isJson ? '\n' : '\n\n')}\n`)
  return 0
}

/** Asks the one running scout, or the one called `name`, to finish and end. Resolves once it is gone. */
export async function drain(name: string | undefined): Promise<number> {
  const scouts = await running(name)
  const [scout] = scouts
  if (scout === undefined) return 1
  if (scouts.length > 1) {
    const names = [...new Set(scouts.map(({ status }) => status.name))].join(', ')
    return complain(`${scouts.length} scouts run here (${names}): say which one with --name.`)
  }
  const { inFlight } = scout.status
  const work = inFlight === 0 ? 'nothing is in flight' : inFlight === 1 ? '1 task finishes' : `${inFlight} tasks finish`
  const { ended } = await drainScout(scout.path)
  process.stdout.write(`${scout.status.name} drains: ${work}.\n`)
  if (!(await happens(ended, drainKillMs)))
    return complain(`${scout.status.name} has not ended in time: end its process.`)
  process.stdout.write(`${scout.status.name} has ended.\n`)
  return 0
}

/** Whether `event` comes within `limitMs`. */
function happens(event: Promise<void>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = realSystem().after(limitMs, () => resolve(false))
    void event.then(() => {
      timer.cancel()
      resolve(true)
    })
  })
}

async function running(name: string | undefined): Promise<Answered[]> {
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) complain(flaw)
  const folder = stateFolder(process.env)
  const found = await findScouts(folder, realSystem())
  const hanging = found.filter(({ status }) => status === null).length
  if (hanging > 0) complain(`${hanging} scout(s) hold a socket in ${folder} but do not answer: end and restart them.`)
  const answered = found.filter((one): one is Answered => one.status !== null)
  const wanted = answered.filter(({ status }) => name === undefined || status.name === name)
  if (wanted.length > 0) return wanted
  if (answered.length > 0) {
    const names = answered.map(({ status }) => status.name).join(', ')
    complain(`No scout called ${name} runs here: there is ${names}.`)
  } else if (hanging === 0) complain(`No scout of this user runs here (looked in ${folder}): ${startOne}.`)
  return []
}

function complain(sentence: string): number {
  process.stderr.write(`${sentence}\n`)
  return 1
}
