/**
 * What the season command does: reads the ledger of a data folder, writes files that can be checked, and leaves what a
 * person asks for to the hub, which alone adds to the chain.
 */
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ledgerNoteCharsMax } from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import { readIdentity } from '../../cluster/identity-file.ts'
import type { Config } from '../../config.ts'
import { batchOf, replayed } from '../../engine/ledger/replay.ts'
import type { Store } from '../../engine/ports/store.ts'
import { burn, clientOf, earnedOf, mint } from '../../ledger/accounts/account.ts'
import { conservationOf } from '../../ledger/accounts/balances.ts'
import { eventFlaw, type LedgerEvent } from '../../ledger/accounts/events.ts'
import type { Projector } from '../../ledger/accounts/projector.ts'
import { readHead } from '../../ledger/receipts/chain.ts'
import { firstLine, rulesLine, wholeBatchLine } from '../../ledger/receipts/export-file.ts'
import { endOfSeason, isFrozen, readSeason, seasonAt } from '../../ledger/seasons/season.ts'
import { type Statement, statementCsv, statementJson, statementOf } from '../../ledger/statement.ts'
import { openDataFolder } from '../../store/data-folder.ts'

export type SeasonCommand =
  | { name: 'list' }
  | { name: 'show' | 'close'; season: string }
  | { name: 'export'; season: string; folder: string }
  | { name: 'ledger'; file: string }
  | { name: 'paid'; season: string; reference: string }
  | { name: 'correct' | 'grant'; owner: string; points: number; reason: string }

type Outcome = { output: string } | { flaw: string }

interface Parts {
  store: Store
  projector: Projector
  identity: { key: string; sign(bytes: Uint8Array): Uint8Array }
  nowMs: number
}

export function seasonActions({ dataDir }: Pick<Config, 'dataDir'>, system: System, command: SeasonCommand): Outcome {
  const identity = readIdentity(dataDir)
  if (identity === null) return { flaw: `${resolve(dataDir)} has no receipts yet: start the hub with RECEIPTS=on.` }
  if ('flaw' in identity) return identity
  const folder = openDataFolder(dataDir, 'guest', system)
  if ('flaw' in folder) return folder
  try {
    const { store } = folder
    const { projector } = replayed(store)
    return act({ store, projector, identity, nowMs: system.wallMs() }, command)
  } finally {
    folder.close()
  }
}

function act(parts: Parts, command: SeasonCommand): Outcome {
  switch (command.name) {
    case 'list':
      return list(parts)
    case 'ledger':
      return writeLedger(parts, command.file)
    case 'correct':
      return correct(parts, command, earnedOf(seasonAt(parts.nowMs), command.owner))
    case 'grant':
      return grant(parts, command)
  }
  const season = readSeason(command.season)
  if (season === null) return { flaw: `${command.season} is no season: name a month, as 2026-05.` }
  switch (command.name) {
    case 'show':
      return show(parts, season)
    case 'export':
      return exportStatement(parts, season, command.folder)
    case 'close':
      return close(parts, season)
    case 'paid':
      return ask(parts, [{ type: 'season', season, to: 'paid', note: command.reference }])
  }
}

function list({ projector, identity }: Parts): Outcome {
  const seasons = [...projector.seasons.values()].sort((one, other) => (one.season < other.season ? -1 : 1))
  const rows = seasons.map(({ season, state, sinceMs, note }) => {
    return `${season}  ${state.padEnd(7)}  since ${new Date(sinceMs).toISOString().slice(0, 16)}  ${note}`.trimEnd()
  })
  const sums = Object.entries(conservationOf(projector.balances.totals)).map(([name, points]) => `${name} ${points}`)
  return { output: `${[`hub ${identity.key}`, ...rows, sums.join(', ')].join('\n')}\n` }
}

function statementIn({ projector, identity }: Parts, season: string): Statement | { flaw: string } {
  const state = projector.seasons.get(season)?.state
  if (state === undefined) return { flaw: `Nothing was earned in season ${season}: npm run -s season -- list` }
  return statementOf(projector, { season, state, hub: identity.key, nameOf: () => '' })
}

function show(parts: Parts, season: string): Outcome {
  const statement = statementIn(parts, season)
  if ('flaw' in statement) return statement
  const rows = statement.operators.map(({ operator, points }) => `${operator}  ${points}`)
  return { output: `${[`${season} is ${statement.state}: ${statement.points} points`, ...rows].join('\n')}\n` }
}

function exportStatement(parts: Parts, season: string, folder: string): Outcome {
  const statement = statementIn(parts, season)
  if ('flaw' in statement) return statement
  if (!isFrozen(statement.state)) {
    return { flaw: `Season ${season} is ${statement.state}: its statement is not final before it is closed.` }
  }
  const files = { csv: statementCsv(statement), json: statementJson(statement) }
  const paths: string[] = []
  for (const [ending, text] of Object.entries(files)) {
    const path = join(resolve(folder), `${season}.${ending}`)
    const signature = Buffer.from(parts.identity.sign(Buffer.from(text))).toString('base64url')
    for (const [name, content] of [[path, text] as const, [`${path}.sig`, `${signature}\n`] as const]) {
      const flaw = written(() => writeFileSync(name, content, { flag: 'wx' }), name)
      if (flaw !== null) return flaw
      paths.push(name)
    }
  }
  return { output: `${paths.join('\n')}\n` }
}

function writeLedger({ store, identity }: Parts, file: string): Outcome {
  const path = resolve(file)
  if (existsSync(path)) return { flaw: `${path} exists already: name a file that does not, nothing is overwritten.` }
  const flaw = written(() => {
    const out = openSync(path, 'wx')
    writeSync(out, firstLine(identity.key))
    let rules = ''
    for (let seq = 0; ; seq++) {
      const row = store.batch(seq + 1)
      if (row === undefined) break
      const { rulesHash } = readHead(row.head)!
      const hash = Buffer.from(rulesHash).toString('hex')
      if (hash !== rules) writeSync(out, rulesLine(store.rulesText(rulesHash) ?? ''))
      rules = hash
      writeSync(out, wholeBatchLine(batchOf(row)))
    }
    closeSync(out)
  }, path)
  return flaw ?? { output: `${path}\n` }
}

function written(write: () => void, path: string): { flaw: string } | null {
  try {
    write()
    return null
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (code === undefined) throw error
    return { flaw: `${path} could not be written (${code}): name one that does not exist, in a folder of yours.` }
  }
}

function close(parts: Parts, season: string): Outcome {
  if (parts.nowMs < endOfSeason(season)) return { flaw: `The month of season ${season} is not over yet.` }
  const state = parts.projector.seasons.get(season)?.state
  const moves: LedgerEvent[] = [{ type: 'season', season, to: 'closed' }]
  return ask(parts, state === 'open' ? [{ type: 'season', season, to: 'closing' }, ...moves] : moves)
}

type Correction = Extract<SeasonCommand, { name: 'correct' | 'grant' }>

/** A client that nobody knows would never spend them. */
function grant(parts: Parts, command: Correction): Outcome {
  const { owner } = command
  const isKnown = parts.store.account(owner) !== undefined || parts.store.keyById(owner)?.tenant === owner
  if (!isKnown) return { flaw: `${owner} is no account, and no key of its own: npm run -s key -- list names them.` }
  return correct(parts, command, clientOf(owner))
}

function correct(parts: Parts, { points, reason }: Correction, account: string): Outcome {
  const amount = { type: 'transfer', points: Math.abs(points), note: reason } as const
  const event: LedgerEvent =
    points > 0
      ? { ...amount, why: 'grant', from: mint, to: account }
      : { ...amount, why: 'revoke', from: account, to: burn }
  return ask(parts, [event])
}

/** Leaves events to the hub; the first of them must be possible now. */
function ask({ store, projector }: Parts, events: readonly LedgerEvent[]): Outcome {
  const tooLong = events.some(({ note = '' }) => note.length > ledgerNoteCharsMax)
  if (tooLong) return { flaw: `Say it in at most ${ledgerNoteCharsMax} characters.` }
  const flaw = eventFlaw(events[0]!) ?? projector.flawOf(events[0]!)
  if (flaw !== null) return { flaw: `This cannot be: ${flaw}.` }
  store.commit(events.map((event) => ({ write: 'askLedger', event: JSON.stringify(event) })))
  return { output: 'Asked: a running hub does it within seconds, else the next start of the hub.\n' }
}
