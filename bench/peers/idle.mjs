/**
 * The workers of a hub that pushes: who is idle, in the order in which they became so, and who waits for one of them.
 * Both are queues with constant cost, so that 10,000 workers cost a peer no more per task than ten.
 */

class Fifo {
  #items = []
  #head = 0

  push(item) {
    this.#items.push(item)
  }

  shift() {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}

export class IdleWorkers {
  #idle = new Fifo()
  #waiting = new Fifo()

  /** A worker is new or has answered. */
  free(worker) {
    const next = this.#waiting.shift()
    if (next) next(worker)
    else this.#idle.push(worker)
  }

  /** Calls `use` with a worker, at once when one is idle. */
  take(use) {
    const worker = this.#idle.shift()
    if (worker) use(worker)
    else this.#waiting.push(use)
  }
}
