/**
 * A small file beside the database of a running hub, with what has to outlive the process without a flush of its own:
 * how many transactions were committed, so that a start that finds fewer in the database knows that some were lost; and
 * what is worked on, so that the next process knows under what this one died. Only the hub that holds the folder writes
 * it, after each commit, so it is never ahead of the database; a clean end, which leaves nothing to lose, removes it.
 * After a loss of power it may be behind, and then it proves less.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'

/** The number of commits in decimal, padded; then the name of what is in hand, padded. */
const numberBytes = 20
const nameBytes = 80

export interface SideFacts {
  commits: number
  inHand: string | null
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
  const commits = Number(text.slice(0, numberBytes).trim() || Number.NaN)
  const inHand = text.slice(numberBytes, numberBytes + nameBytes).trim()
  return Number.isSafeInteger(commits) && commits >= 0 ? { commits, inHand: inHand === '' ? null : inHand } : null
}

/** The file while a hub runs. A disk that refuses it costs the proof, never the work. */
export class SideFile {
  private descriptor: number | null
  private readonly number = Buffer.alloc(numberBytes, ' ')
  private readonly name = Buffer.alloc(nameBytes, ' ')

  constructor(private readonly databasePath: string) {
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
    closeSync(this.descriptor)
    this.descriptor = null
    if (!existsSync(`${this.databasePath}-wal`)) rmSync(sideFileOf(this.databasePath), { force: true })
  }
}
