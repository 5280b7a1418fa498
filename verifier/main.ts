#!/usr/bin/env -S bun --no-env-file
/**
 * `chasm-verify`: checks, offline, what a hub has signed. A ledger file needs nothing but the hub's public key; any
 * other file, as the statement of a season, comes with its detached signature. It is a program of its own that shares
 * no code with the hub: what it proves does not depend on the hub's word.
 *
 *   chasm-verify ledger.jsonl --hub ed25519:…
 *   chasm-verify 2026-05.csv --hub ed25519:… --signature 2026-05.csv.sig
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Flaw } from './flaw.ts'
import { type Findings, isSigned, LedgerCheck } from './ledger-check.ts'
import { linesOf } from './lines.ts'

const usage = 'Usage: chasm-verify <file> --hub <public key> [--signature <file>]'

async function run(): Promise<number> {
  const parsed = argumentsGiven()
  if (parsed === null) return say(process.stderr, usage, 2)
  const { file, hub, signature } = parsed
  try {
    if (signature !== undefined) return statement(file, hub, signature)
    const check = new LedgerCheck(hub)
    for await (const line of linesOf(file)) check.take(line)
    return say(process.stdout, told(check.end()), 0)
  } catch (error) {
    if (error instanceof Flaw) return say(process.stderr, `Not true. ${error.message}`, 1)
    const code = (error as { code?: unknown }).code
    if (typeof code !== 'string') throw error
    return say(process.stderr, `${file} cannot be read (${code}).`, 2)
  }
}

function argumentsGiven(): { file: string; hub: string; signature?: string } | null {
  try {
    const options = { hub: { type: 'string' }, signature: { type: 'string' } } as const
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [file] = positionals
    const { hub, signature } = values
    if (file === undefined || positionals.length > 1 || hub === undefined) return null
    return { file, hub, ...(signature !== undefined && { signature }) }
  } catch {
    return null
  }
}

function statement(file: string, hub: string, signature: string): number {
  const isTrue = isSigned(hub, readFileSync(file), readFileSync(signature, 'latin1').trim())
  if (!isTrue) return say(process.stderr, `Not true. The signature of ${file} is not the hub's.`, 1)
  return say(process.stdout, `True. ${file} is as the hub signed it.`, 0)
}

function told({ batches, receipts, events, points, first, last, lastHash, books }: Findings): string {
  const lines = [
    `True. ${receipts} receipts with ${points} points and ${events} events in ${batches} batches.`,
    `Batches ${first} to ${last} without a gap; the last head is ${lastHash || 'none'}.`,
  ]
  if (books === null) lines.push('Balances are not told: the file does not begin with batch 1, or leaves are left out.')
  else {
    const sums = Object.entries(books.sums()).map(([name, sum]) => `${name} ${sum}`)
    lines.push(`Nothing came from nowhere: ${sums.join(', ')}.`)
    for (const season of books.seasonNames) {
      for (const [operator, earned] of books.season(season)) lines.push(`${season} ${operator} ${earned}`)
    }
  }
  return lines.join('\n')
}

function say(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(`${text}\n`)
  return code
}

process.exitCode = await run()
