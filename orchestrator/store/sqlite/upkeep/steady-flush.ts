/**
 * Brings a file to the disk while it grows, in a thread of its own (`steady-flush-thread.ts`). Whoever wrote all of it
 * first and flushed it then would fill the disk's queue at once, and every commit of a hub beside it would wait behind
 * that. The copy of a database is written under one.
 */
import { extname } from 'node:path'
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'

/** Beside this file, in the source as in a bundle. */
const program = new URL(`./steady-flush-thread${extname(import.meta.filename)}`, import.meta.url)
/** A thread that has not begun by then is done without: whoever writes the file flushes what is left in the end. */
const beginMsMax = 5_000

/** Where the thread stands, and what it has to tell; shared with it. */
export const phases = { starting: 0, flushing: 1, ending: 2, ended: 3 } as const
export const places = { phase: 0, pieces: 1, errno: 2 } as const

export interface FlushOrder {
  path: string
  board: Int32Array
}

export class SteadyFlush {
  private readonly board = new Int32Array(new SharedArrayBuffer(Object.keys(places).length * 4))

  /** The file at `path` has to be there. */
  constructor(path: string) {
    const order: FlushOrder = { path, board: this.board }
    new Worker(program, { workerData: order }).unref()
    Atomics.wait(this.board, places.phase, phases.starting, beginMsMax)
  }

  /** Pieces that were flushed so far. */
  get pieces(): number {
    return Atomics.load(this.board, places.pieces)
  }

  /** Flushes what is left, and throws where anything did not come to the disk. The file is not written any more. */
  end(): void {
    const { board } = this
    const wasBegun = Atomics.compareExchange(board, places.phase, phases.flushing, phases.ending) !== phases.starting
    Atomics.notify(board, places.phase)
    if (wasBegun) Atomics.wait(board, places.phase, phases.ending)
    const errno = Atomics.load(board, places.errno)
    if (errno === 0) return
    const code = getSystemErrorName(-Math.abs(errno))
    throw Object.assign(new Error(`${code}: the file could not be flushed`), { code, syscall: 'fdatasync' })
  }
}
