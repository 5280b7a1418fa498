#!/usr/bin/env -S bun --no-env-file
/**
 * `chasm-verify`: checks, offline, what a hub has signed. A ledger file needs nothing but the hub's public key; any
 * other file, as the statement of a season, comes with its detached signature. It is a program of its own that shares
 * no code with the hub: what it proves does not depend on the hub's word.
 *
 *   chasm-verify ledger.jsonl --hub ed25519:…
 *   chasm-verify 2026-05.csv --hub ed25519:… --signature 2026-05.csv.sig
 *
 * A large file is checked in as many threads as there are processors beside the one that reads, or as `--threads` says.
 */
import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { Flaw } from './flaw.ts'
import { type Findings, LedgerCheck } from './ledger-check.ts'
import { isSigned } from './line-check.ts'
import { chunksOf, linesIn } from './threads/chunks.ts'
import { checkInThreads, work } from './threads/crew.ts'

const usage = 'Usage: chasm-verify <file> --hub <public key> [--signature <file>] [--threads <number>]'
/** A smaller file is checked before threads have begun. */
const threadsFromBytes = 4 * 1024 * 1024
/** The thread that reads has enough to do with so many. */
const threadsMax = 16

async function run(): Promise<number> {
  const parsed = argumentsGiven()
  if (parsed === null) return say(process.stderr, usage, 2)
  const { file, hub, signature, threads } = parsed
  try {
    if (signature !== undefined) return statement(file, hub, signature)
    return say(process.stdout, told(await checked(file, hub, threads)), 0)
  } catch (error) {
    if (error instanceof Flaw) return say(process.stderr, `Not true. ${error.message}`, 1)
    const code = (error as { code?: unknown }).code
    if (typeof code !== 'string') throw error
    return say(process.stderr, `${file} cannot be read (${code}).`, 2)
  }
}

async function checked(file: string, hub: string, threads: number): Promise<Findings> {
  const check = new LedgerCheck(hub)
  if (threads > 1 && statSync(file).size >= threadsFromBytes) {
    await checkInThreads({ file, hub, program: new URL(import.meta.url), threads }, check)
  } else for await (const chunk of chunksOf(file)) for (const line of linesIn(chunk)) check.take(line)
  return check.end()
}

interface Given {
  file: string
  hub: string
  signature?: string
  threads: number
}

function argumentsGiven(): Given | null {
  try {
    const text = { type: 'string' } as const
    const options = { hub: text, signature: text, threads: text } as const
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [file] = positionals
    const { hub, signature } = values
    const threads = Number(values.threads ?? Math.max(1, availableParallelism() - 1))
    const isCount = Number.isInteger(threads) && threads > 0
    if (file === undefined || positionals.length > 1 || hub === undefined || !isCount) return null
    return { file, hub, threads: Math.min(threads, threadsMax), ...(signature !== undefined && { signature }) }
  } catch {
    return null
  }
}

function statement(file: string, hub: string, signature: string): number {
  const isTrue = isSigned(hub, readFileSync(file), readFileSync(signature, 'latin1').trim())
  if (!isTrue) return say(process.stderr, `Not true. The signature of ${file} is not the hub's.`, 1)
  return say(process.stdout, `True. ${file} is as the hub signed it.`, 0)
}

function told({ batches, receipts, events, points, first, last, lastHash, books, signers }: Findings): string {
  const lines = [
    `True. ${receipts} receipts with ${points} points and ${events} events in ${batches} batches.`,
    `Batches ${first} to ${last} without a gap; the last head is ${lastHash || 'none'}.`,
  ]
  lines.push(...signed(signers))
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

/** What is told of countersignatures; nothing where there are none. */
function signed({ checked, unknown, replaced }: Findings['signers']): string[] {
  if (checked + unknown === 0) return []
  const lines = [`${checked} receipts are countersigned by their scouts; ${replaced} keys of scouts were replaced.`]
  if (unknown > 0) lines.push(`${unknown} more are countersigned with keys that the file does not have.`)
  return lines
}

function say(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(`${text}\n`)
  return code
}

if (isMainThread) process.exitCode = await run()
else work()
