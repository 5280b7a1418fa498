/**
 * What a hub of a network keeps in its data folder beside its identity: `roster.json`, the history of rosters that it
 * has verified, what it has signed, and the number of its start. The command and the hub read and write them here; each
 * gets what it asked for or one sentence about what is wrong and what to do. A roster is only ever replaced by a longer
 * one, whole or not at all.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rosterFileBytesMax } from '../../shared/limits/cluster/roster.ts'
import { hubFilesOf } from './identity-file.ts'
import { RosterChain } from './roster/roster-chain.ts'
import { readRosterFile, rosterFileText, type SignedRoster } from './roster/roster-document.ts'
import { type Flaw, readBounded, withFiles, writeWhole } from './whole-file.ts'

const noteBytesMax = 256
/** As many starts as four bytes count. */
const bootMax = 0xffffffff

/** The documents of a roster's file, not verified; null where there is none. */
export function readDocuments(path: string): readonly SignedRoster[] | Flaw | null {
  return withFiles(path, () => {
    const bytes = readBounded(path, rosterFileBytesMax)
    if (bytes === null) return null
    const documents = readRosterFile(bytes)
    return 'flaw' in documents ? { flaw: `${path} is no roster: ${documents.flaw}.` } : documents
  })
}

/** The verified history in a file; null where there is none. */
export function readChain(path: string): RosterChain | Flaw | null {
  const documents = readDocuments(path)
  if (documents === null || 'flaw' in documents) return documents
  const chain = RosterChain.verify(documents)
  return 'flaw' in chain ? { flaw: `${path} does not hold: ${chain.flaw}.` } : chain
}

/** Keeps a roster in the data folder, unless that knows as much or more; a fork is refused. Null when all is well. */
export function keepChain(dataDir: string, chain: RosterChain): Flaw | null {
  const { roster: path } = hubFilesOf(dataDir)
  const kept = readChain(path)
  if (kept !== null && 'flaw' in kept) return kept
  const comparison = kept?.compare(chain) ?? { is: 'newer' as const, chain }
  if (comparison.is === 'foreign') return { flaw: `${path} belongs to another network: set DATA_DIR to this one's.` }
  if (comparison.is === 'fork') {
    const { epoch } = comparison
    const advice = 'agree on one of the two with the other operators, and put its file in place of this one'
    return { flaw: `${path} has another signed roster of epoch ${epoch}: ${advice}.` }
  }
  if (comparison.is !== 'newer') return null
  return withFiles(path, () => writeWhole(path, rosterFileText(chain.documents), 'anew'))
}

/** Writes documents where a person wants them. */
export function writeDocuments(path: string, documents: readonly SignedRoster[]): Flaw | null {
  return withFiles(path, () => writeWhole(resolve(path), rosterFileText(documents), 'anew'))
}

interface SignedNote {
  epoch: number
  /** Of the document, hexadecimal. */
  hash: string
}

/**
 * Notes that this hub signs this document. A hub that signed two documents of one epoch could split the network, so a
 * second one is refused unless it is said to `replace` the first.
 */
export function noteSigned(dataDir: string, note: SignedNote, replaces: boolean): Flaw | null {
  const path = join(resolve(dataDir), 'hub.signed')
  return withFiles(path, () => {
    const text = readBounded(path, noteBytesMax)?.toString('latin1') ?? '0 '
    const [epoch = '0', hash = ''] = text.trim().split(' ')
    const isOther = Number(epoch) === note.epoch ? hash !== note.hash : Number(epoch) > note.epoch
    if (isOther && !replaces) {
      const advice =
        'two of them would split the network; destroy the first one and add --replace if nobody else signed it'
      return { flaw: `This hub has signed another document for epoch ${epoch} already: ${advice}.` }
    }
    return writeWhole(path, `${note.epoch} ${note.hash}\n`, 'anew')
  })
}

/** Keeps the other side of a fork for operators to look at, until they remove the file. */
export function keepFork(dataDir: string, documents: readonly SignedRoster[]): Flaw | null {
  return writeDocuments(forkPathOf(dataDir), documents)
}

export function hasFork(dataDir: string): boolean {
  return existsSync(forkPathOf(dataDir))
}

function forkPathOf(dataDir: string): string {
  return join(resolve(dataDir), 'roster-fork.json')
}

/**
 * The number of this start of the hub, above that of every start before; on disk before it is used. It is no less than
 * the seconds of the wall clock, so that a folder restored from an old copy does not repeat numbers.
 */
export function nextBoot(dataDir: string, wallMs: number): number | Flaw {
  const path = join(resolve(dataDir), 'hub.boot')
  return withFiles(path, () => {
    const last = Number(readBounded(path, noteBytesMax)?.toString('latin1').trim() ?? '0')
    if (!Number.isInteger(last) || last < 0 || last >= bootMax) return { flaw: `${path} is damaged: restore it.` }
    const boot = Math.max(last + 1, Math.floor(wallMs / 1000))
    writeWhole(path, `${boot}\n`, 'anew')
    return boot
  })
}
