/**
 * The restart-brain command: tells the brain of a hub of several processes to make room for another one, which runs
 * what is on disk now, and waits until that one answers. Edges keep their sockets; their own program changes with a
 * restart of the hub.
 */
import { loadEnvFile } from '../../shared/env-file.ts'
import { brainAwayMsMax, brainDialMs } from '../../shared/limits/process.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import type { ToBrain, ToEdgeOf } from '../link/control.ts'
import { brainPath, runFolderOf } from '../link/run-folder.ts'
import { dialLink } from '../link/unix-socket.ts'

const system = realSystem()

process.exit(await run())

async function run(): Promise<number> {
  const unread = loadEnvFile(process.cwd(), process.env)
  if (unread !== null) return complain([unread])
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(config)
  const runDir = runFolderOf(config.dataDir)
  const left = Promise.withResolvers<void>()
  const link = runDir === undefined ? null : await dialed(runDir, () => left.resolve())
  if (link === null) {
    const hint = 'one with HUB_EDGES above 0 has a brain to restart; check DATA_DIR'
    return complain([`No hub of several processes runs on ${config.dataDir}: ${hint}.`])
  }
  const startedMs = system.nowMs()
  link.send({ type: 'leave' })
  await left.promise
  while (system.nowMs() - startedMs < brainAwayMsMax) {
    await new Promise<void>((resolve) => system.after(brainDialMs, resolve))
    const again = await dialed(runDir!, () => {})
    if (again === null) continue
    again.end('the command is over')
    process.stdout.write(`Another brain is there after ${Math.round(system.nowMs() - startedMs)} ms.\n`)
    return 0
  }
  return complain(['No other brain has come: see the log of the hub.'])
}

function dialed(runDir: string, ended: () => void) {
  const end = { receive() {}, ended }
  return dialLink<ToEdgeOf, ToBrain>(system, brainPath(runDir), end).catch(() => null)
}

function complain(sentences: string[]): number {
  process.stderr.write(sentences.map((sentence) => `${sentence}\n`).join(''))
  return 1
}
