/**
 * A batch that is not sealed yet: the bytes of its receipts as they will be stored, and what the projector needs of
 * them, in columns: an object for each would live just long enough for the collector to take it for an old one. The
 * maker packs into it, the writer seals it and gives its columns to the next one.
 */
import { batchLeavesMax } from '../../../shared/limits/ledger/ledger.ts'
import type { Said, Worked } from '../../ledger/accounts/projector.ts'
import { LeafBuffer } from '../../ledger/receipts/leaf-buffer.ts'

class Columns {
  readonly scouts: string[] = new Array(batchLeavesMax).fill('')
  readonly models: string[] = new Array(batchLeavesMax).fill('')
  readonly seconds = new Float64Array(batchLeavesMax)
  readonly points = new Float64Array(batchLeavesMax)
  readonly flags = new Uint32Array(batchLeavesMax)
}

/** Those of the batch that was sealed last. */
let spare: Columns | null = null

/** Given out again and again. */
const worked: Worked = { scout: '', model: '', atS: 0, points: 0, flags: 0 }

export class OpenBatch implements Said {
  readonly leaves = new LeafBuffer()
  readonly tasks: number[] = []
  /** Those of its tasks of which there is a row in the store. */
  readonly earned: number[] = []
  private columns: Columns

  constructor() {
    this.columns = spare ?? new Columns()
    spare = null
  }

  get length(): number {
    return this.tasks.length
  }

  /** The receipt of this task was packed behind the others: what is folded of it. */
  added(task: number, { scout, model, atS, points, flags }: Worked): void {
    const { columns } = this
    const at = this.tasks.length
    this.tasks.push(task)
    columns.scouts[at] = scout
    columns.models[at] = model
    columns.seconds[at] = atS
    columns.points[at] = points
    columns.flags[at] = flags
  }

  /** What is folded of one; good until the next one is asked for. */
  at(place: number): Worked {
    const { columns } = this
    worked.scout = columns.scouts[place]!
    worked.model = columns.models[place]!
    worked.atS = columns.seconds[place]!
    worked.points = columns.points[place]!
    worked.flags = columns.flags[place]!
    return worked
  }

  /** It is folded, and nobody asks for what it says any more. */
  done(): void {
    spare = this.columns
  }
}
