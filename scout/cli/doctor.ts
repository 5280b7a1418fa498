/**
 * `chasm-scout doctor`: looks at everything a scout needs, before or while one runs, and says in one line each how it
 * is and what to do. The looking is `checks.ts`'s. Exit codes: 0 nothing is in the way, 1 something is.
 */
import { loadEnvFile, readEnvFile } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { isOpenToOthers } from '../env-file.ts'
import { readProviderSettings } from '../providers/configured.ts'
import { checkHub, checkMachine, checkProviders } from './checks.ts'
import { checkLines } from './file-checks.ts'
import { type Finding, finding, findingLine } from './findings.ts'
import { checkSettings } from './setting-checks.ts'

const concurrencyUnknown = 4

export async function doctor(): Promise<number> {
  const system = realSystem()
  const folder = process.cwd()
  const flaw = loadEnvFile(folder, process.env)
  const config = readConfig(process.env)
  const settings = readProviderSettings(process.env)
  const isConfigured = !Array.isArray(config)
  const hub = isConfigured ? checkHub(config, system) : []
  const providers = Array.isArray(settings) ? [] : checkProviders(settings, system)
  const flaws = [config, settings].flatMap((read) => (Array.isArray(read) ? (read as string[]) : []))
  const findings = [
    ...checkFile(folder, flaw),
    ...flaws.map((sentence) => finding('Settings', 'fail', sentence)),
    ...checkSettings(process.env, isConfigured ? config : null, Array.isArray(settings) ? null : settings),
    ...(await hub),
    ...(await providers),
    ...checkMachine(isConfigured ? config.concurrency : concurrencyUnknown, process.env),
  ]
  process.stdout.write(findings.map(findingLine).join(''))
  const failed = findings.filter(({ health }) => health === 'fail').length
  process.stdout.write(`${conclusion(failed)}\n`)
  return failed === 0 ? 0 : 1
}

function checkFile(folder: string, flaw: string | null): Finding[] {
  if (flaw !== null) return [finding('File', 'fail', flaw)]
  const read = readEnvFile(folder)
  if (read === null || typeof read === 'string') {
    const text = `There is no .env in ${folder}: \`chasm-scout init\` writes one; the environment counts.`
    return [finding('File', 'ok', text)]
  }
  const isOpen = isOpenToOthers(folder)
  const opened = isOpen
    ? finding('File', 'warn', `.env in ${folder} holds keys and is open to others: run \`chmod 600 .env\` there.`)
    : finding('File', 'ok', `.env in ${folder} was read.`)
  return [opened, ...checkLines(folder, read, process.env)]
}

function conclusion(failed: number): string {
  if (failed === 0) return 'Nothing is in the way: `chasm-scout start` can serve.'
  return failed === 1 ? 'One thing is in the way: see the line above.' : `${failed} things are in the way: see above.`
}
