/**
 * A disk that fails in the ways that the store's port allows, for a few commits or for minutes: busy, full, broken, and
 * the commit of which nobody knows whether it happened. Such a batch is not visible, but is there when the hub dies
 * before its next commit. What is really committed is reported to an observer, write by write.
 */
import { type Store, StoreError, type StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { type Dice, ProcessDied } from '../world.ts'

const troubles = ['busy', 'full', 'io', 'unknown'] as const

export interface CommitWatcher {
  /** The hub is about to commit; throws when it dies first. */
  committing(): void
  /** It has committed; throws when the hub dies before the commit is reported. */
  committed(writes: readonly StoreWrite[]): void
  fenced(error: StoreError): void
}

export class FaultyDisk {
  readonly disk = new MemoryDisk()
  /** Share of commits that begin a spell of trouble. */
  faults = 0
  /** The spell that lasts until somebody ends it. */
  private lost: (typeof troubles)[number] | null = null
  private spell: { left: number; trouble: (typeof troubles)[number] } | null = null
  /** The batch that may or may not have happened. */
  private unknown: readonly StoreWrite[] | null = null

  constructor(
    private readonly dice: Dice,
    private readonly watcher: CommitWatcher,
    /** How long each commit takes; it passes that time. */
    private readonly pass: () => void,
  ) {}

  /** A store on this disk, as a newly started hub opens it; once that is dead it writes nothing more. */
  open(isAlive: () => boolean): Store {
    const store = memoryStore(this.disk)
    return {
      ...store,
      noteInHand: (name) => {
        if (isAlive()) store.noteInHand(name)
      },
      noteDeaths: (owed, inHand) => {
        if (isAlive()) store.noteDeaths(owed, inHand)
      },
      commit: (writes) => {
        if (!isAlive()) throw new ProcessDied()
        this.watcher.committing()
        const trouble = this.trouble()
        if (trouble !== null) {
          if (trouble === 'unknown') this.unknown = structuredClone(writes)
          throw new StoreError(trouble, `the simulated disk is ${trouble}`)
        }
        this.unknown = null
        this.write(store, writes)
        this.pass()
      },
    }
  }

  /** The power is gone: the commit in doubt happened or not. */
  settle(): void {
    const { unknown } = this
    this.unknown = null
    this.spell = null
    if (unknown !== null && this.dice.chance(0.5)) this.write(memoryStore(this.disk), unknown)
  }

  /** From now on nothing can be written. */
  lose(): void {
    this.lost = this.dice.pick(troubles)
  }

  heal(): void {
    this.lost = null
  }

  calm(): void {
    this.faults = 0
    this.lost = null
    this.spell = null
  }

  private write(store: Store, writes: readonly StoreWrite[]): void {
    try {
      store.commit(writes)
    } catch (error) {
      if (error instanceof StoreError) this.watcher.fenced(error)
      throw error
    }
    this.watcher.committed(writes)
  }

  private trouble(): (typeof troubles)[number] | null {
    if (this.lost !== null) return this.lost
    if (this.spell === null && this.dice.chance(this.faults)) {
      this.spell = { left: this.dice.pick([1, 2, 8]), trouble: this.dice.pick(troubles) }
    }
    if (this.spell === null) return null
    const { trouble } = this.spell
    if (--this.spell.left === 0) this.spell = null
    return trouble
  }
}
