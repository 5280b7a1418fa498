/**
 * The brain or an edge of a hub of several processes: the product's own, with the rate of upgrades raised as in
 * `hub-process.ts`. `hub-of-processes.ts` starts it.
 */
import { pino } from 'pino'
import { runBrain } from '../../orchestrator/brain/brain-process.ts'
import { runEdge } from '../../orchestrator/edge/edge-process.ts'
import { benchConfig } from './hub-config.ts'

const upgradesPerSecond = 1_000_000
const raised = { upgradesPerSecond, upgradesPerSecondPerOperator: upgradesPerSecond, descriptorShareOfOperator: 1 }

const [role, runDir = '', dataDir = '', ...words] = process.argv.slice(2)
const port = Number(process.env.PORT)
const config = benchConfig(process.env, { port, dataDir })
const log = pino({ level: 'silent' })
if (role === 'brain') await runBrain(config, log, runDir, words)
else await runEdge(config, log, runDir, raised)
