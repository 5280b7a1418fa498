/**
 * A small file beside the database of a running hub, with what has to outlive the process without a flush of its own:
 * how many transactions were committed, so that a start that finds fewer in the database knows that some were lost;
 * what is worked on, so that the next process knows under what this one died; and under what earlier ones died, for as
 * long as the database cannot take that. Only the hub that holds the folder writes it, after each commit, so it is
 * never ahead of the database; a clean end, which leaves nothing to lose, removes it. After a loss of power it may be
 * behind, and then it proves less.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { owedDeathsMax } from '../../../shared/limits/intents.ts'
import type { IntentDeaths } from '../../engine/ports/store.ts'

/**
 * The number of commits in decimal, padded; then the name of what is in hand, padded; then for each death that is owed
 * to the database a name and a number, padded.
 */
const numberBytes = 20
const nameBytes = 80
const owedFrom = numberBytes + nameBytes
const owedBytes = nameBytes + numberBytes

export interface SideFacts {
  /** Null before the first of them. */
  commits: number | null
  inHand: string | null
  owed: IntentDeaths[]
}

export function sideFileOf(databasePath: string): string {
  return `${databasePath}-state`
}

/** What the last process left behind; null when it ended cleanly, or left nothing that can be read. */
export function readSideFile(databasePath: string): SideFacts | null {
  let text: string
  try {
    text = readFileSync(sideFileOf(databasePath), 'latin1')
  } catch {
    return null
  }
  const owed: IntentDeaths[] = []
  for (let at = owedFrom; at < owedFrom + owedDeathsMax * owedBytes; at += owedBytes) {
    const [intent, deaths] = [nameIn(text, at), numberIn(text, at + nameBytes)]
    if (intent !== null && deaths !== null) owed.push({ intent, deaths })
  }
  return { commits: numberIn(text, 0), inHand: nameIn(text, numberBytes), owed }
}

function numberIn(text: string, at: number): number | null {
  const number = Number(text.slice(at, at + numberBytes).trim() || Number.NaN)
  return Number.isSafeInteger(number) && number >= 0 ? number : null
}

function nameIn(text: string, at: number): string | null {
  return text.slice(at, at + nameBytes).trim() || null
}

/** The file while a hub runs. A disk that refuses it costs the proof, never the work. */
export class SideFile {
  private descriptor: number | null
  private readonly number = Buffer.alloc(numberBytes, ' ')
  private readonly name = Buffer.alloc(nameBytes, ' ')

  /** `owes`: what it says of deaths is not in the database. */
  constructor(
    private readonly databasePath: string,
    private owes: boolean,
  ) {
    // Not emptied: until the next note it says what it said.
    this.descriptor = openSync(sideFileOf(databasePath), constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  committed(commits: number): void {
    this.number.fill(' ').write(`${commits}`, 'latin1')
    this.put(this.number, 0)
  }

  noteInHand(name: string | null): void {
    this.name.fill(' ').write((name ?? '').slice(0, nameBytes), 'latin1')
    this.put(this.name, numberBytes)
  }

  /** In one write: whoever dies within it has noted both or neither. */
  noteDeaths(owed: readonly IntentDeaths[], inHand: string | null): void {
    this.owes = owed.length > 0
    const bytes = Buffer.alloc(nameBytes + owedDeathsMax * owedBytes, ' ')
    bytes.write((inHand ?? '').slice(0, nameBytes), 'latin1')
    for (const [at, { intent, deaths }] of owed.slice(-owedDeathsMax).entries()) {
      const from = nameBytes + at * owedBytes
      bytes.write(intent.slice(0, nameBytes), from, 'latin1')
      bytes.write(`${deaths}`, from + nameBytes, 'latin1')
    }
    this.put(bytes, numberBytes)
  }

  private put(bytes: Uint8Array, at: number): void {
    if (this.descriptor === null) return
    try {
      writeSync(this.descriptor, bytes, 0, bytes.length, at)
    } catch {
      // A full disk: what stands there is an earlier state, which is true as well.
    }
  }

  /** After the database was closed. Where its log is still there, something could still be lost. */
  close(): void {
    if (this.descriptor === null) return
    if (this.owes) this.noteInHand(null)
    closeSync(this.descriptor)
    this.descriptor = null
    const isClean = !this.owes && !existsSync(`${this.databasePath}-wal`)
    if (isClean) rmSync(sideFileOf(this.databasePath), { force: true })
  }
}
