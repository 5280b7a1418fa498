/**
 * Tells the network of this hub's chain: batch after batch, each behind its commit here, as many together as a message
 * holds, appended to the subject of this hub with the number that it ends with. Nothing waits for it. Where it stopped
 * it goes on; what cannot be told now, for want of room or of an answer, is told later, and whatever was told twice
 * counts once.
 */
import { ledgerAgeMs, rulesEveryMs, toldPerLook } from '../../../shared/limits/cluster/ledger.ts'
import type { System } from '../../../shared/system.ts'
import type { OwnLedger } from '../../engine/ports/network/network-ledger.ts'
import { readHead, type SealedBatch } from '../../ledger/receipts/chain.ts'
import { after, type SharedLog } from '../journal/log.ts'
import type { Membership } from '../membership.ts'
import { packableOf, packOf } from './pack.ts'
import { type Part, partIn, partsOf } from './told.ts'

interface TellingParts {
  system: Pick<System, 'wallMs' | 'nowMs'>
  log: SharedLog
  membership: Pick<Membership, 'own' | 'prefix' | 'sign' | 'chain'>
  ledger: OwnLedger
  report: { warn(fields: object, message: string): void }
  /** The last batch that an earlier process told of; 0 for none. */
  told: number
  /** A message of this hub is in the log under this number. */
  onTold: (seq: number) => void
}

export class Telling {
  private readonly subject: string
  /** With which number the subject ends; null while that is not known. */
  private end: number | null = null
  /** The last batch that was told of whole. */
  told: number
  /** Rules that were told of by this process, their hash as text, and when. */
  private rules = ''
  private rulesMs = 0
  private isFull = false

  constructor(private readonly parts: TellingParts) {
    const { prefix, own } = parts.membership
    this.subject = `${prefix}.ledger.${own.name}`
    this.told = parts.told
  }

  /** Tells of some batches, if there are any that were not told of. */
  async tell(): Promise<void> {
    const { ledger } = this.parts
    if (ledger.lastSeq() <= this.told) return
    if (this.end === null && !(await this.find())) return
    const batches = ledger.sealedAfter(this.told, toldPerLook)
    while (batches.length > 0) if (!(await this.tellOf(batches.splice(0, togetherOf(batches))))) return
  }

  /** Where the last process, or what this one could not be sure of, came to. */
  private async find(): Promise<boolean> {
    const { log, ledger, membership } = this.parts
    const end = await log.last(this.subject)
    if (end === 'unsure') return false
    const message = end === 0 ? null : await after(log, this.subject, end - 1)
    if (message === 'unsure') return false
    const { publicKey } = membership.chain.authority(membership.own.name)!
    // Anybody may write there; what is told once more because of that does no harm.
    const part = message === null ? null : partIn(message, publicKey)
    const said = part === null ? 0 : Math.min(saidIn(part), ledger.lastSeq())
    this.told = Math.max(this.told, said, this.firstWithin() - 1)
    this.rules = ''
    this.end = end
    return true
  }

  /** The number of the first batch that is young enough for the stream. */
  private firstWithin(): number {
    const { ledger, system } = this.parts
    const fromMs = system.wallMs() - ledgerAgeMs
    let low = 1
    let high = ledger.lastSeq() + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [batch] = ledger.sealedAfter(middle - 1, 1)
      if (batch === undefined || batch.atMs >= fromMs) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Of batches under the same rules. */
  private async tellOf(batches: readonly SealedBatch[]): Promise<boolean> {
    const { ledger, system } = this.parts
    const [first, last] = [batches[0]!, batches.at(-1)!]
    const rules = rulesOf(first)
    const nowMs = system.nowMs()
    if (rules !== this.rules || nowMs - this.rulesMs >= rulesEveryMs) {
      const text = Buffer.from(ledger.rulesText(readHead(first.head)!.rulesHash) ?? '')
      if (!(await this.append(partsOf('rules', first.seq, text)))) return false
      this.rules = rules
      this.rulesMs = nowMs
    }
    const { isDeflated, bytes } = packOf(batches)
    if (!(await this.append(partsOf(isDeflated ? 'deflated' : 'batches', last.seq, bytes)))) return false
    this.told = last.seq
    return true
  }

  private async append(payloads: readonly Uint8Array[]): Promise<boolean> {
    const { log, membership, report, onTold } = this.parts
    for (const payload of payloads) {
      const outcome = await log.append(this.subject, membership.sign(this.subject, payload), this.end!)
      if (typeof outcome !== 'object') {
        if (outcome === 'full' && !this.isFull) report.warn({}, noRoom)
        this.isFull = outcome === 'full'
        // What may or may not be there is looked at before anything follows on it.
        this.end = null
        return false
      }
      this.end = outcome.seq
      onTold(outcome.seq)
    }
    this.isFull = false
    return true
  }
}

/** Up to which batch all was told of, by the last message; 0 where it does not say. */
function saidIn({ kind, number, part, parts }: Part): number {
  if (kind === 'rules') return number - 1
  return part + 1 === parts ? number : 0
}

/** How many of these may be told of together: they are under the same rules, and fit. */
function togetherOf(batches: readonly SealedBatch[]): number {
  const packable = batches.slice(0, packableOf(batches))
  const rules = rulesOf(packable[0]!)
  const other = packable.findIndex((batch) => rulesOf(batch) !== rules)
  return other < 0 ? packable.length : other
}

/** The hash of the rules that it was sealed under, as text. */
function rulesOf({ head }: SealedBatch): string {
  return Buffer.from(readHead(head)!.rulesHash).toString('hex')
}

const noRoom = 'the servers between hubs have no room for this ledger: the other hubs count it later'
