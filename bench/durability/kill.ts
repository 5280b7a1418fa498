/**
 * What `kill -9` costs: a hub killed under load again and again, an audit of what it had acknowledged, and how soon a
 * hub with a deep queue serves again. `npm run bench:kill [-- --kills 100 --queued 100000]`. With `--edges 2` it is a
 * hub of several processes, and each time the brain, an edge, their supervisor or a scout is killed. Ends with 1 when
 * anything that was acknowledged is lost, or anything was committed twice.
 */
import { parseArgs } from 'node:util'
import { killRuns, returnWithQueue } from './kill-runs.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    queued: { type: 'string', default: '100000' },
    edges: { type: 'string', default: '0' },
  },
})
const edges = Number(values.edges)

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function spread(times: number[]): string {
  const at = (share: number) => (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(0)
  return `${at(0)} / ${at(0.5)} / ${at(1)} ms (least, median, most)`
}

const ran = await killRuns({ kills: Number(values.kills), scouts: 4, clients: 8, steps: 3, edges })
const parts = Object.entries(ran.killed).map(([part, count]) => `${part} ${count}`)
print(`kills                          ${[ran.kills, ...parts].join(', ')}`)
print(`intents acknowledged           ${ran.acknowledged}, of ${ran.intents} in the store, ${ran.tasks} tasks`)
print(`attempts                       ${ran.attempts}`)
print(`requests without an answer     ${ran.broken}`)
print(`acknowledged and lost          ${ran.lost}`)
print(`acknowledged and not done      ${ran.undone}`)
print(`committed not exactly once     ${ran.doubled}`)
print(`two intents under one key      ${ran.repeated}, two ids heard ${ran.contradicted}`)
print(`ready again after              ${spread(ran.readyMs)}`)
print(`next 202 after                 ${spread(ran.servingMs)}`)
print(`exit code at the end           ${ran.exitCode}`)

if (edges === 0) {
  const queue = await returnWithQueue(Number(values.queued), 3)
  print(`next 202 with ${String(queue.queued).padEnd(7)} queued   ${spread(queue.servingMs)}`)
}

const { lost, undone, doubled, repeated, contradicted, exitCode } = ran
if (lost + undone + doubled + repeated + contradicted + exitCode > 0) process.exitCode = 1
