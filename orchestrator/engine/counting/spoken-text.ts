/**
 * One text of an answer as it is spoken, piece by piece: its length, its hash, and how much of it counts. Short texts
 * are kept until the end; of a long one no more than two blocks are, whatever its length. Blocks are looked at for
 * filler: the first ones each, then one by chance for ever longer groups of them, so that a text four times as long
 * costs six looks more and nobody knows where filler would go unseen.
 */
import { createHash, type Hash } from 'node:crypto'
import { sha256Part } from '../../../shared/answers/sha256.ts'
import { copyBytes } from '../../../shared/json/byte-part.ts'
import { fillerBytesMin } from '../../../shared/limits/ledger/ledger.ts'
import { countedBytes } from '../../ledger/points/work.ts'
import { deflated } from './filler.ts'

const firstBytes = 256
const noBlock = new Uint8Array(0)
/** Blocks of the size from which on filler is looked for. */
const blockBytes = fillerBytesMin
/** A group has one block for so many that were before it. */
const blocksBeforePerBlock = 4
/** So few bytes are copied one by one at less cost. */
const fewBytes = 24
const backslash = 0x5c

export class SpokenText {
  length = 0
  private counted = 0
  private block: Uint8Array<ArrayBuffer> = noBlock
  /** The one that stands for its group; each of the group is it with the same chance. */
  private sample: Uint8Array<ArrayBuffer> | null = null
  private blocks = 0
  private inGroup = 0
  private used = 0
  /** Of the blocks that were full; null while none was. */
  private hasher: Hash | null = null
  /** Half of a pair of code units, of which the other half comes with the next piece. */
  private half = ''

  /** `unit`: random numbers from 0 to 1 that nobody can guess. */
  constructor(private readonly unit: () => number) {}

  /** A piece as it stands between the quotes of a JSON text. */
  addJson(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      if (bytes[at] !== backslash) continue
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8')
      return this.add(JSON.parse(`"${text}"`) as string)
    }
    if (this.half !== '') this.settleHalf()
    this.append(bytes, from, to)
  }

  add(text: string): void {
    const whole = this.half + text
    const last = whole.charCodeAt(whole.length - 1)
    const isHalf = last >= 0xd800 && last <= 0xdbff
    this.half = isHalf ? whole.slice(-1) : ''
    const bytes = Buffer.from(isHalf ? whole.slice(0, -1) : whole)
    if (this.block !== noBlock || bytes.length > blockBytes) return this.append(bytes, 0, bytes.length)
    // Most answers that come whole have one short text.
    this.block = bytes
    this.used = bytes.length
    this.length = bytes.length
  }

  /** Its length, hash and counted bytes; nothing may follow. */
  end(): { length: number; digest: Uint8Array; counted: number } {
    if (this.half !== '') this.settleHalf()
    this.endGroup()
    const { block, used, hasher } = this
    const digest =
      hasher === null ? sha256Part(block, 0, used) : new Uint8Array(hasher.update(block.subarray(0, used)).digest())
    return { length: this.length, digest, counted: this.counted + this.used }
  }

  /** The other half did not come: it is written as every reader writes it. */
  private settleHalf(): void {
    const bytes = Buffer.from(this.half)
    this.half = ''
    this.append(bytes, 0, bytes.length)
  }

  private append(bytes: Uint8Array, from: number, to: number): void {
    this.length += to - from
    for (let at = from; at < to; ) {
      if (this.used === this.block.length) this.makeRoom()
      const { block, used } = this
      const count = Math.min(to - at, block.length - used)
      if (count > fewBytes) copyBytes(bytes, at, at + count, block, used)
      else for (let place = 0; place < count; place++) block[used + place] = bytes[at + place]!
      this.used += count
      at += count
    }
  }

  private makeRoom(): void {
    const { block } = this
    if (block.length < blockBytes) {
      this.block = new Uint8Array(Math.min(blockBytes, Math.max(firstBytes, 4 * block.length)))
      this.block.set(block)
      return
    }
    this.hasher ??= createHash('sha256')
    this.hasher.update(block)
    this.blocks++
    this.inGroup++
    if (this.inGroup === 1 || this.unit() * this.inGroup < 1) {
      this.block = this.sample ?? new Uint8Array(blockBytes)
      this.sample = block
    }
    this.used = 0
    if (this.inGroup >= this.blocks / (blocksBeforePerBlock + 1)) this.endGroup()
  }

  private endGroup(): void {
    if (this.inGroup === 0) return
    this.counted += this.inGroup * countedBytes(blockBytes, deflated(this.sample!))
    this.inGroup = 0
  }
}
