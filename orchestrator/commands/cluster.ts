/**
 * The cluster command: the identity of a hub, and the roster of a network of hubs. It works on the data folder of this
 * machine's hub and on files that operators hand to each other, and needs no running hub: a running one follows its
 * roster file. What was made or shown goes to standard output, sentences for a person to standard error.
 */
import { parseArgs } from 'node:util'
import { loadEnvFile } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { type ClusterCommand, clusterActions } from './cluster-actions.ts'

const usage = `Usage: npm run -s cluster -- COMMAND
  identity                     show this hub's key; made if there is none
  init NAME URL                found a network, with this hub as its first authority
  propose add NAME KEY URL     a roster with this hub: --threshold N, --out FILE
  propose remove NAME          a roster without this hub: --threshold N, --out FILE
  sign FILE                    sign a proposal
  show [FILE]                  the roster that holds here, or that of a file
  verify FILE                  whether a file holds; exit code 1 if not
  rebuild                      this hub's ended intents, out of the network's journal
A hub signs one document of each epoch; --replace signs another one when the first was given up.
`

process.exitCode = await run(process.argv.slice(2))

async function run(args: string[]): Promise<number> {
  const command = readCommand(args)
  if ('flaw' in command) return complain(2, [command.flaw.trimEnd()])
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(1, [flaw])
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(1, config)
  const outcome =
    command.name === 'rebuild'
      ? await (await import('./cluster-rebuild.ts')).rebuild(config, realSystem())
      : clusterActions(config.dataDir, realSystem(), command)
  if ('flaw' in outcome) return complain(1, [outcome.flaw])
  process.stdout.write(outcome.output)
  if (outcome.hint !== undefined) process.stderr.write(`${outcome.hint}\n`)
  return 0
}

function readCommand(args: string[]): ClusterCommand | { name: 'rebuild' } | { flaw: string } {
  const text = { type: 'string' } as const
  const options = { threshold: text, out: text, replace: { type: 'boolean' } } as const
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>
  try {
    parsed = parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    return { flaw: `${(error as Error).message}.\n${usage}` }
  }
  const { threshold: given, out, replace: replaces = false } = parsed.values
  const threshold = given === undefined ? undefined : Number(given)
  if (threshold !== undefined && !(Number.isInteger(threshold) && threshold > 0)) {
    return { flaw: '--threshold must be a whole number above zero.' }
  }
  const terms = { replaces, ...(threshold !== undefined && { threshold }), ...(out !== undefined && { out }) }
  const [name, first, second, third, fourth, ...more] = parsed.positionals
  const words = [first, second, third, fourth].filter((word) => word !== undefined)
  if (more.length > 0) return { flaw: usage }
  if ((name === 'identity' || name === 'rebuild') && words.length === 0) return { name }
  if (name === 'init' && first !== undefined && second !== undefined && words.length === 2) {
    return { name, hub: first, url: second }
  }
  if (name === 'propose' && first === 'add' && second !== undefined && third !== undefined && fourth !== undefined) {
    return { name: 'add', hub: second, key: third, url: fourth, ...terms }
  }
  if (name === 'propose' && first === 'remove' && second !== undefined && words.length === 2) {
    return { name: 'remove', hub: second, ...terms }
  }
  if (name === 'sign' && first !== undefined && words.length === 1) return { name, file: first, replaces }
  if (name === 'show' && words.length < 2) return { name, ...(first !== undefined && { file: first }) }
  if (name === 'verify' && first !== undefined && words.length === 1) return { name, file: first }
  return { flaw: usage }
}

function complain(exitCode: number, sentences: string[]): number {
  process.stderr.write(sentences.map((sentence) => `${sentence}\n`).join(''))
  return exitCode
}
