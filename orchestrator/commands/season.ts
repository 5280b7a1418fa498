/**
 * The season command: seasons of a data folder, their statements with detached signatures, the ledger as a file, and
 * what a person asks of the ledger: to close a season early, to note that it was paid, to correct what was counted. It
 * works beside a running hub, which takes up within seconds what was asked, or without one; then the next start does.
 */
import { loadEnvFile } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { type SeasonCommand, seasonActions } from './season/season-actions.ts'

const usage = `Usage: npm run -s season -- COMMAND
  list                            the seasons, and the sums over all accounts
  show SEASON                     who earned how much
  export SEASON FOLDER            its statement as CSV and JSON, each with a detached signature
  ledger FILE                     the whole chain, for chasm-verify
  close SEASON                    close it now; its month must be over
  paid SEASON REFERENCE           note how a closed season was paid
  correct OPERATOR POINTS REASON  add points to the season that is open, or take them (-POINTS)
  grant CLIENT POINTS REASON      give a client points to spend, or take them (-POINTS); a key's id, or an account's
`

process.exitCode = run(process.argv.slice(2))

function run(args: string[]): number {
  const command = readCommand(args)
  if (command === null) return complain(2, usage)
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(1, `${flaw}\n`)
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(1, config.map((sentence) => `${sentence}\n`).join(''))
  const outcome = seasonActions(config, realSystem(), command)
  if ('flaw' in outcome) return complain(1, `${outcome.flaw}\n`)
  process.stdout.write(outcome.output)
  return 0
}

function readCommand([name, first, second, third, ...more]: string[]): SeasonCommand | null {
  const words = [first, second, third].filter((word) => word !== undefined).length
  if (more.length > 0) return null
  if (name === 'list' && words === 0) return { name }
  if ((name === 'show' || name === 'close') && words === 1) return { name, season: first! }
  if (name === 'ledger' && words === 1) return { name, file: first! }
  if (name === 'export' && words === 2) return { name, season: first!, folder: second! }
  if (name === 'paid' && words === 2) return { name, season: first!, reference: second! }
  const points = Number(second)
  if (words !== 3 || !Number.isSafeInteger(points) || points === 0) return null
  if (name !== 'correct' && name !== 'grant') return null
  return { name, owner: first!, points, reason: third! }
}

function complain(exitCode: number, text: string): number {
  process.stderr.write(text)
  return exitCode
}
