/**
 * The garbage collections of a process, from the log that the runtime writes to standard error when it is started with
 * `collectionLogEnv`: one line or more for each collection, in which `p=` is the time for which the program stood
 * still. `child.ts` passes the text on; scenarios read the longest pause.
 */

export const collectionLogEnv = { BUN_JSC_logGC: '1' }

const pausePattern = /\bp=([\d.]+)ms/g
const logLine = /^\[GC<|^GC END!/

export class CollectionLog {
  private unfinished = ''
  private longestMs = 0
  private pauses = 0

  /** Takes the next piece of the log; returns the lines in it that are not about collections. */
  push(text: string): string {
    const lines = (this.unfinished + text).split('\n')
    this.unfinished = lines.pop()!
    let others = ''
    for (const line of lines) {
      if (!logLine.test(line)) {
        if (line !== '') others += `${line}\n`
        continue
      }
      for (const [, ms] of line.matchAll(pausePattern)) {
        this.pauses++
        this.longestMs = Math.max(this.longestMs, Number(ms))
      }
    }
    return others
  }

  /** The pauses since the last call. */
  take(): { pauses: number; longestMs: number } {
    const { pauses, longestMs } = this
    this.pauses = 0
    this.longestMs = 0
    return { pauses, longestMs }
  }
}
