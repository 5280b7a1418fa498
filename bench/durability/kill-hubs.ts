/**
 * What `kill -9` of hubs costs a network: three hubs over three NATS servers, killed in turn under load, and an audit
 * of what they had acknowledged. `npm run bench:kill-hubs [-- --kills 30]`. Ends with 1 when anything that was
 * acknowledged is lost, or anything was committed twice.
 */
import { parseArgs } from 'node:util'
import { findNats } from '../../test/support/cluster/programs/nats-server.ts'
import { networkKillRuns } from './network-runs.ts'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '30' } } })
const found = await findNats()
if ('reason' in found) throw new Error(found.reason)

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const plan = { kills: Number(values.kills), scouts: 3, clients: 6, natsServer: found.path }
const ran = await networkKillRuns({ ...plan, say: print })
print(`kills                          ${ran.kills}`)
print(`intents acknowledged           ${ran.acknowledged}`)
print(`requests without an answer     ${ran.broken}, told to come back ${ran.deferred}`)
print(`acknowledged and lost          ${ran.lost}`)
print(`acknowledged and not done      ${ran.undone}`)
print(`committed twice                ${ran.doubled}`)
print(`not shown as done everywhere   ${ran.unshown}`)
const { lost, undone, doubled, unshown } = ran
if (lost + undone + doubled + unshown > 0) process.exitCode = 1
