/**
 * Checks a ledger file: what each line proves by itself is `line-check.ts`'s, here it is put together in the order of
 * the file. Every head names the one before, no batch is missing, and what receipts and events move adds up. Whoever
 * has a file gets the first thing that is wrong, or what the file proves.
 */
import { Books } from './books.ts'
import { Flaw, must } from './flaw.ts'
import { type BatchProof, isWork, LineCheck, type LineProof } from './line-check.ts'
import { Signers } from './signers.ts'

export interface Findings {
  batches: number
  receipts: number
  events: number
  points: number
  /** Numbers of the first and the last batch; 0 of an empty file. */
  first: number
  last: number
  /** Hash of the last head: two files of one hub that differ here at the same number prove that it told two stories. */
  lastHash: string
  /** Null unless the file begins with batch 1 and has every leaf. */
  books: Books | null
  /** Of receipts that are signed by their scouts, too. */
  signers: Signers
}

const noHash = '0'.repeat(64)

export class LedgerCheck {
  private line = 0
  private readonly lines: LineCheck
  private readonly found: Findings = {
    ...{ batches: 0, receipts: 0, events: 0, points: 0, first: 0, last: 0, lastHash: '' },
    books: new Books(),
    signers: new Signers(),
  }

  /** `hub`: its public key, from somewhere else than the file. Throws a Flaw when it is none. */
  constructor(hub: string) {
    this.lines = new LineCheck(hub)
  }

  /** The next line, without its end. Throws a Flaw. */
  take(text: string): void {
    this.add(this.lines.prove(text, this.line === 0))
  }

  /** What the next line proves. Throws a Flaw. */
  add({ flaw, batch }: LineProof): void {
    this.line++
    try {
      if (batch !== null) this.follow(batch)
      must(flaw === null, () => flaw!)
      if (batch !== null) this.count(batch)
    } catch (error) {
      if (error instanceof Flaw) throw new Flaw(`Line ${this.line}: ${error.message}.`)
      throw error
    }
  }

  /** After the last line. */
  end(): Findings {
    must(this.line > 0, () => 'The file is empty.')
    return this.found
  }

  private follow({ seq, previous }: BatchProof): void {
    const { batches, last, lastHash } = this.found
    if (batches === 0) {
      this.found.first = seq
      must(seq > 0, () => 'batches are numbered from 1')
      must(seq > 1 || previous === noHash, () => 'the first batch follows on another one')
      // What was before is not known.
      if (seq > 1) this.found.books = null
      return
    }
    must(seq === last + 1, () => `batch ${seq} comes after batch ${last}`)
    must(previous === lastHash, () => `batch ${seq} follows on another batch ${last} than this one`)
  }

  private count({ seq, hash, isWhole, receipts, events, points, steps, countersigned }: BatchProof): void {
    const { found } = this
    const { signers } = found
    if (!isWhole) found.books = null
    for (const step of steps) if (!isWork(step) && step.type === 'pin') signers.pin(step)
    for (const receipt of countersigned) signers.check(receipt, found.books !== null)
    found.books?.take(steps)
    found.batches++
    found.receipts += receipts
    found.events += events
    found.points += points
    found.last = seq
    found.lastHash = hash
  }
}
