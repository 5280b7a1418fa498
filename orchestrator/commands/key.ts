/**
 * The key command: keys, accounts, limits, login links, settings and the audit log of a data folder, from its machine.
 * It needs no running hub and disturbs none: a hub on the same folder accepts a new key at once and drops one that was
 * revoked or replaced within half a second. What is made goes to standard output alone, so that a script can take it
 * from there.
 */
import { loadEnvFile } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { HubAccounts } from '../accounts/accounts.ts'
import { type Config, readConfig } from '../config.ts'
import { Keyring } from '../engine/keyring.ts'
import { pageOrigin } from '../page-address.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { sqliteFlaw } from '../store/sqlite/errors.ts'
import { keyActions, type Outcome } from './key-actions.ts'
import { type KeyCommand, readKeyCommand } from './key-arguments.ts'

process.exitCode = run(process.argv.slice(2))

function run(args: string[]): number {
  const command = readKeyCommand(args, Date.now())
  if ('flaw' in command) return complain(2, [command.flaw.trimEnd()])
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(1, [flaw])
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(1, config)
  const outcome = act(config, command)
  if ('flaw' in outcome) return complain(1, [outcome.flaw])
  process.stdout.write(outcome.output)
  if (outcome.hint !== undefined) process.stderr.write(`${outcome.hint}\n`)
  return 0
}

function act(config: Config, command: KeyCommand): Outcome {
  const system = realSystem()
  const folder = openDataFolder(config.dataDir, 'guest', system)
  if ('flaw' in folder) return folder
  try {
    const { store, pepper } = folder
    const keyring = new Keyring(store, pepper, system)
    const accounts = new HubAccounts({ store, keyring, system, signup: config.signup })
    const pageUrl = pageOrigin(config, config.port)
    const parts = { keyring, accounts, pageUrl, nowMs: system.wallMs(), dataDir: config.dataDir }
    return keyActions[command.name](parts, command)
  } catch (error) {
    return { flaw: sqliteFlaw(config.dataDir, error) }
  } finally {
    folder.close()
  }
}

function complain(exitCode: number, sentences: string[]): number {
  process.stderr.write(sentences.map((sentence) => `${sentence}\n`).join(''))
  return exitCode
}
