/**
 * Tells the network of this hub's chain: batch after batch, each behind its commit here, appended to the subject of
 * this hub with the number that it ends with. Nothing waits for it. Where it stopped it goes on; what cannot be told
 * now, for want of room or of an answer, is told later, and whatever was told twice counts once.
 */
import { ledgerAgeMs, toldPerLook } from '../../../shared/limits/cluster/ledger.ts'
import type { System } from '../../../shared/system.ts'
import type { OwnLedger } from '../../engine/ports/network/network-ledger.ts'
import { type Batch, readHead } from '../../ledger/receipts/chain.ts'
import { packLeaves } from '../../ledger/receipts/leaf-buffer.ts'
import type { SharedLog } from '../journal/log.ts'
import type { Membership } from '../membership.ts'
import { batchBytes, partIn, partsOf } from './told.ts'

interface TellingParts {
  system: Pick<System, 'wallMs'>
  log: SharedLog
  membership: Pick<Membership, 'own' | 'prefix' | 'sign' | 'chain'>
  ledger: OwnLedger
  report: { warn(fields: object, message: string): void }
  /** The last batch that an earlier process told of; 0 for none. */
  told: number
}

export class Telling {
  private readonly subject: string
  /** With which number the subject ends; null while that is not known. */
  private end: number | null = null
  /** The last batch that was told of whole. */
  told: number
  /** Rules that were told of by this process: hash as text. */
  private rules = ''
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
    for (const batch of ledger.batchesAfter(this.told, toldPerLook)) if (!(await this.tellOf(batch))) return
  }

  /** Where the last process, or what this one could not be sure of, came to. */
  private async find(): Promise<boolean> {
    const { log, ledger, membership } = this.parts
    const end = await log.last(this.subject)
    if (end === 'unsure') return false
    const message = end === 0 ? null : await log.after(this.subject, end - 1)
    if (message === 'unsure') return false
    const { publicKey } = membership.chain.authority(membership.own.name)!
    // Anybody may write there; what is told once more because of that does no harm.
    const part = message === null ? null : partIn(message, publicKey)
    const isWhole = part?.kind === 'batch' && part.part + 1 === part.parts
    const said = Math.min(part === null ? 0 : part.number - (isWhole ? 0 : 1), ledger.lastSeq())
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
      const [batch] = ledger.batchesAfter(middle - 1, 1)
      if (batch === undefined || batch.atMs >= fromMs) high = middle
      else low = middle + 1
    }
    return low
  }

  private async tellOf(batch: Batch): Promise<boolean> {
    const { rulesHash } = readHead(batch.head)!
    const rules = Buffer.from(rulesHash).toString('hex')
    if (rules !== this.rules) {
      const text = Buffer.from(this.parts.ledger.rulesText(rulesHash) ?? '')
      if (!(await this.append(partsOf('rules', batch.seq, text)))) return false
      this.rules = rules
    }
    const leaves = packLeaves(batch.leaves).packed
    if (!(await this.append(partsOf('batch', batch.seq, batchBytes({ ...batch, leaves }))))) return false
    this.told = batch.seq
    return true
  }

  private async append(payloads: readonly Uint8Array[]): Promise<boolean> {
    const { log, membership, report } = this.parts
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
    }
    this.isFull = false
    return true
  }
}

const noRoom = 'the servers between hubs have no room for this ledger: the other hubs count it later'
