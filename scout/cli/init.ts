/**
 * `chasm-scout init`: from nothing to a `.env` with which `start` serves. It takes what flags, environment and an
 * older `.env` say, asks for the rest on a terminal, tries hub, key and providers, and writes the file for this user
 * alone. Exit codes: 0 written, 1 something did not work and nothing was written, 2 something is missing or malformed.
 */

import { readEnvFile, type Variables } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { writeEnvFile } from '../env-file.ts'
import { readProviderSettings } from '../providers/configured.ts'
import { checkHub, checkProviders } from './checks.ts'
import { type Finding, findingLine } from './findings.ts'
import { checkSettings } from './setting-checks.ts'
import { setupServices, setupVariables } from './setup-variables.ts'

/** `flags` by variable; `force` writes even what did not work. */
export async function init(flags: Variables, force: boolean): Promise<number> {
  const folder = process.cwd()
  const older = readEnvFile(folder)
  if (typeof older === 'string') return complain(2, [older])
  const known = knownAnswers(flags, older ?? {})
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  return isTerminal ? await interview(known, folder) : await unattended(known, folder, force)
}

function knownAnswers(flags: Variables, older: Variables): Variables {
  const known: Variables = {}
  for (const { variable } of setupVariables) {
    const value = (flags[variable] ?? process.env[variable] ?? older[variable] ?? '').trim()
    if (value !== '') known[variable] = value
  }
  return known
}

async function unattended(answers: Variables, folder: string, force: boolean): Promise<number> {
  const missing = missingFlags(answers)
  if (missing.length > 0) {
    return complain(2, [`There is no terminal to ask at: add ${missing.join(', ')} to \`chasm-scout init\`.`])
  }
  const flaws = flawsOf(answers)
  if (flaws.length > 0) return complain(2, flaws)
  const findings = await tryOut(answers)
  process.stdout.write(findings.map(findingLine).join(''))
  if (hasFailed(findings) && !force) {
    return complain(1, ['Nothing was written: mend what failed above, or add --force to write .env all the same.'])
  }
  return write(folder, answers)
}

function missingFlags(answers: Variables): string[] {
  const missing: string[] = []
  if (answers.ORCHESTRATOR_URL === undefined) missing.push('--url <url>')
  if (answers.SCOUT_KEY === undefined) missing.push('--key <key>')
  const hasProvider = setupServices.some(({ variable }) => variable !== null && answers[variable] !== undefined)
  if (answers.PROVIDERS === undefined && !hasProvider) {
    missing.push('--providers <list> (such as groq with --groq-api-key <key>, or ollama, or demo)')
  }
  return missing
}

async function interview(known: Variables, folder: string): Promise<number> {
  const { ask, begin, decide, during, give, stop } = await import('./init-questions.ts')
  begin()
  for (let answers = known; ; ) {
    const given = await ask(answers)
    if (given === null) return stop('Nothing was written.')
    answers = given
    const findings = await during('Trying the orchestrator, the key and the providers', () => tryOut(given))
    give(findings.map(findingLine))
    const next = hasFailed(findings) ? await decide() : 'write'
    if (next === 'stop') return stop('Nothing was written.')
    if (next === 'write') return write(folder, answers)
  }
}

function flawsOf(answers: Variables): string[] {
  const read = [readConfig(answers), readProviderSettings(answers)]
  return [...read.flatMap((one) => (Array.isArray(one) ? (one as string[]) : [])), ...unwritable(answers)]
}

/** Readers of `.env` do not agree on these, and one of them would change the value. */
function unwritable(answers: Variables): string[] {
  const names = Object.keys(answers).filter((name) => /[$\\"'`\p{Cc}]/u.test(answers[name]!))
  return names.map(
    (name) => `${name} holds a quote, a backslash or a $, which .env cannot carry: set it outside of it.`,
  )
}

async function tryOut(answers: Variables): Promise<Finding[]> {
  const config = readConfig(answers)
  const settings = readProviderSettings(answers)
  const flaws = flawsOf(answers)
  if (flaws.length > 0 || Array.isArray(config) || Array.isArray(settings)) {
    return flaws.map((sentence) => ({ what: 'Settings', health: 'fail', sentence }))
  }
  const system = realSystem()
  const [hub, providers] = await Promise.all([checkHub(config, system), checkProviders(settings, system)])
  return [...checkSettings(answers, config, settings), ...hub, ...providers]
}

function hasFailed(findings: Finding[]): boolean {
  return findings.some(({ health }) => health === 'fail')
}

function write(folder: string, answers: Variables): number {
  try {
    const path = writeEnvFile(folder, answers)
    process.stdout.write(`Wrote ${path}, for your eyes only. Start the scout in this folder: chasm-scout start\n`)
    return 0
  } catch (error) {
    const { code } = error as { code?: string }
    const leftover = code === 'EEXIST' ? 'remove .env.new there, which an earlier try left' : 'choose another folder'
    return complain(1, [`.env cannot be written in ${folder} (${code}): ${leftover}.`])
  }
}

function complain(exitCode: number, sentences: string[]): number {
  process.stderr.write(`${sentences.join('\n')}\n`)
  return exitCode
}
