/**
 * A hub killed with `kill -9` again and again under a hundred scrolls of fifty nodes, one scout in twenty flapping:
 * every scroll must come to its end, every node be committed once, none run again after its commit, none before what
 * it needs. `npm run bench:kill-scrolls [-- --kills 20 --scrolls 100 --scouts 20]`. Ends with 1 when any of it fails.
 */
import { parseArgs } from 'node:util'
import { scrollKillRuns } from './scroll-runs.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    scrolls: { type: 'string', default: '100' },
    scouts: { type: 'string', default: '20' },
  },
})

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const scouts = Number(values.scouts)
const flapping = Math.max(1, Math.round(scouts * 0.05))
const ran = await scrollKillRuns({ kills: Number(values.kills), scrolls: Number(values.scrolls), scouts, flapping })
print(`kills                          ${ran.kills}, ${flapping} of ${scouts} scouts flapping`)
print(`scrolls                        ${ran.intents} with ${ran.tasks} nodes, ${ran.attempts} attempts`)
print(`over before the last kill      ${ran.overBeforeLastKill}`)
print(`all over after                 ${ran.seconds.toFixed(1)} s`)
print(`acknowledged and lost          ${ran.lost}`)
print(`acknowledged and not done      ${ran.undone}`)
print(`committed not exactly once     ${ran.doubled}`)
print(`run again after their commit   ${ran.again}`)
print(`run before what they need      ${ran.early}`)
print(`exit code at the end           ${ran.exitCode}`)

const { lost, undone, doubled, again, early, exitCode } = ran
if (lost + undone + doubled + again + early + exitCode > 0) process.exitCode = 1
