/**
 * Lines of one attempt's answer, copied for who looks at answers: the frames that they came in go. Each answer has a
 * bound and so have all that are under way together, with a share for the scouts of one operator; a slow reader keeps
 * its answer under way for long. What finds no room is not looked at, which only means one check less.
 */
import type { ByteAccount } from '../../../../shared/byte-account.ts'
import { ownPart } from '../../../../shared/json/byte-part.ts'
import { witnessedBytesMax } from '../../../../shared/limits/trust/audits.ts'
import { operatorOf } from '../../../../shared/scouts/scout-id.ts'
import type { Interest } from '../../ports/trust/witness.ts'

/** Of answers that come whole; never added to. */
const noLines: Uint8Array[] = []

export class WatchedLines {
  /** Those that were kept, in order; null when there was no room for them. */
  lines: Uint8Array[] | null = noLines
  private bytes = 0

  constructor(
    readonly interest: Exclude<Interest, 'none'>,
    private readonly scout: string,
    private readonly account: ByteAccount,
  ) {}

  add(lines: readonly Uint8Array[]): void {
    if (lines.length === 0) return
    const operator = operatorOf(this.scout)
    for (const line of lines) {
      if (this.lines === null || this.bytes + line.length > witnessedBytesMax) return
      if (this.account.take(operator, line.length) !== null) return this.release()
      this.bytes += line.length
      if (this.lines === noLines) this.lines = []
      this.lines.push(ownPart(line))
    }
  }

  /** Nobody looks any more; may be called again. */
  release(): void {
    if (this.bytes > 0) this.account.give(operatorOf(this.scout), this.bytes)
    this.bytes = 0
    this.lines = null
  }
}
