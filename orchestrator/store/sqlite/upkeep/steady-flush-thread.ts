/**
 * The thread behind `steady-flush.ts`: flushes a file each time it has grown by a piece, until it is told to end, and
 * then what is left.
 */
import { closeSync, fdatasyncSync, fstatSync, openSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { copyFlushBytes } from '../../../../shared/limits/store.ts'
import { type FlushOrder, phases, places } from './steady-flush.ts'

/** How often the size is looked at; in that time a fast copy grows by about a piece. */
const lookEveryMs = 2

const { path, board } = workerData as FlushOrder

function flush(): void {
  const descriptor = openSync(path, 'r')
  Atomics.store(board, places.phase, phases.flushing)
  Atomics.notify(board, places.phase)
  let flushedBytes = 0
  for (let isLast = false; !isLast; ) {
    isLast = Atomics.load(board, places.phase) === phases.ending
    const { size } = fstatSync(descriptor)
    if (isLast || size - flushedBytes >= copyFlushBytes) {
      fdatasyncSync(descriptor)
      flushedBytes = size
      Atomics.add(board, places.pieces, 1)
    } else Atomics.wait(board, places.phase, phases.flushing, lookEveryMs)
  }
  closeSync(descriptor)
}

try {
  flush()
} catch (error) {
  Atomics.store(board, places.errno, (error as { errno?: number }).errno ?? 5)
} finally {
  Atomics.store(board, places.phase, phases.ended)
  Atomics.notify(board, places.phase)
}
