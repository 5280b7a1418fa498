/**
 * This project's own hub as a peer: the whole of it, as `npm run orchestrator` starts it, with keys, placement, leases
 * and acknowledgements. The only thing that differs from the defaults is how many upgrades one address may ask for.
 */

import { pino } from 'pino'
import { defaultConfig } from '../../../orchestrator/config.ts'
import { startHub } from '../../../orchestrator/main.ts'
import { ready, setting } from '../child.mjs'

const upgradesPerSecond = 100_000

const hub = startHub({
  config: { ...defaultConfig(), port: 0, dataDir: setting.folder, logLevel: 'silent' },
  log: pino({ level: 'silent' }),
  gateway: { upgradesPerSecond, upgradesPerSecondPerOperator: upgradesPerSecond },
})
if ('flaw' in hub) throw new Error(hub.flaw)
ready({
  url: hub.url,
  key: hub.keyring.issue('client', 'bench').key,
  workerKey: hub.keyring.issue('scout', 'bench').key,
})
