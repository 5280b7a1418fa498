/** Waiting for a condition instead of a time: whoever changes the state calls `changed`, waiters look again. */
import { patienceMs } from './until.ts'

interface Waiter {
  met(): boolean
  resolve(): void
}

export class Conditions {
  private waiters: Waiter[] = []

  /** Something may have become true. */
  changed(): void {
    const met = this.waiters.filter((waiter) => waiter.met())
    this.waiters = this.waiters.filter((waiter) => !met.includes(waiter))
    for (const waiter of met) waiter.resolve()
  }

  /** Resolves with the first value of `look` that is not undefined or false; `what` names it when time runs out. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    let found = look()
    if (found === undefined || found === false) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`waited ${patienceMs} ms in vain for ${what}`)), patienceMs)
        const met = () => {
          found = look()
          return found !== undefined && found !== false
        }
        this.waiters.push({
          met,
          resolve() {
            clearTimeout(timer)
            resolve()
          },
        })
      })
    }
    return found as T
  }
}
