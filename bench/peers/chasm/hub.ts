/**
 * This project's own hub as a peer: the whole of it, as `npm run orchestrator` starts it, with keys, placement, leases
 * and acknowledgements. What differs from the defaults is how many upgrades one address may ask for and, in a second
 * row, that nobody audits answers and nothing is counted for receipts, as with all the others.
 */

import { pino } from 'pino'
import { defaultConfig } from '../../../orchestrator/config.ts'
import { startHub } from '../../../orchestrator/main.ts'
import { ready, setting } from '../child.mjs'

const upgradesPerSecond = 100_000
const extras = setting.isBare ? ({ trust: 'off', receipts: 'off' } as const) : {}

const hub = startHub({
  config: { ...defaultConfig(), ...extras, port: 0, dataDir: setting.folder, logLevel: 'silent' },
  log: pino({ level: 'silent' }),
  gateway: { upgradesPerSecond, upgradesPerSecondPerOperator: upgradesPerSecond },
})
if ('flaw' in hub) throw new Error(hub.flaw)
ready({
  url: hub.url,
  key: hub.keyring.issue('client', 'bench').key,
  workerKey: hub.keyring.issue('scout', 'bench').key,
})
