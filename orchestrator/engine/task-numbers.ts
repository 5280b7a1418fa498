/**
 * Numbers of tasks, of clients' and of intents' alike, unique across restarts: each epoch has a range of its own. The
 * brain gives them out.
 */

export class TaskNumbers {
  private last: number

  constructor(epoch: number) {
    this.last = epoch * 2 ** 32 - 1
  }

  next(): number {
    return ++this.last
  }
}
