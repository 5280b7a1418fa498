/** One test's store: opened, reopened on the same data, and closed when the test is over. */
import { onTestFinished } from 'vitest'
import type { Store } from '../../../orchestrator/engine/ports/store.ts'

/** How an adapter makes a store of its own for each test. */
export interface StoreMaker {
  /** The same data each time. */
  open(): Store
  /** A name for a backup that is free, and the store that a backup of that name holds. */
  copyPath: string
  openCopy(): Store
}

export function storeStage({ open, copyPath, openCopy }: StoreMaker) {
  let current = open()
  onTestFinished(() => current.close())
  return {
    store: () => current,
    reopen() {
      current.close()
      current = open()
      return current
    },
    copyPath,
    openCopy() {
      const copy = openCopy()
      onTestFinished(() => copy.close())
      return copy
    },
  }
}
