/**
 * Tasks of one model that wait for a scout. Tenants take turns by deficit round robin (Shreedhar and Varghese, 1995;
 * every task costs one, each turn is worth the tenant's weight), so that one tenant's thousand requests delay another's
 * single one by one place. Inside a tenant the higher priority goes first, then the earlier deadline, then the task
 * with the longest chain of tasks behind it, then the earlier arrival. Constrained tasks, which not every scout may
 * have, wait beside the others and delay none. Bounds are in `task/queueing.ts`, which counts all queues together.
 */

/** Tenants skipped, and constrained tasks of each, in one look; those go to the end, so that each has its turn. */
const looksMax = 6

/** What the queue needs to know of a task. */
export interface Queued {
  tenant: string
  weight: number
  priority: number
  deadlineMs: number
  /** Tasks in the longest chain of those that wait for it; 0 outside of a scroll. */
  chain: number
  /** Order of arrival, to break ties. */
  sequence: number
  /** Place in its tenant's heap; -1 outside. The queue's to write. */
  heapIndex: number
}

/** Binary heap; each task carries its place, so removing any of them is logarithmic. */
class TenantQueue<T extends Queued> {
  readonly heap: T[] = []
  /** Tasks that not every scout may have, in the order in which they are looked at. */
  readonly constrained = new Set<T>()
  /** Tasks it may still have served before its turn ends. */
  deficit = 0
  /** Neighbours in the ring of turns; itself while it is alone. */
  before: TenantQueue<T> = this
  after: TenantQueue<T> = this
  constructor(
    readonly tenant: string,
    public weight: number,
  ) {}

  get size(): number {
    return this.heap.length + this.constrained.size
  }

  push(task: T): void {
    task.heapIndex = this.heap.length
    this.heap.push(task)
    this.rise(task)
  }

  /** What goes first of the tasks that fit; `takesAny`: of those, too, that every scout may have. */
  peek(fits: (task: T) => boolean, takesAny: boolean): T | undefined {
    const head = takesAny ? this.heap[0] : undefined
    let looks = Math.min(looksMax, this.constrained.size)
    for (const task of this.constrained) {
      if (looks-- === 0) break
      if (fits(task)) return head === undefined || goesBefore(task, head) ? task : head
      this.constrained.delete(task)
      this.constrained.add(task)
    }
    return head
  }

  remove(task: T): void {
    if (this.constrained.delete(task)) return
    const hole = task.heapIndex
    const last = this.heap.pop()!
    task.heapIndex = -1
    if (last === task) return
    this.heap[hole] = last
    last.heapIndex = hole
    this.rise(last)
    this.sink(last)
  }

  private rise(task: T): void {
    for (let at = task.heapIndex; at > 0; ) {
      const up = (at - 1) >> 1
      if (!goesBefore(task, this.heap[up]!)) return
      this.swap(at, up)
      at = up
    }
  }

  private sink(task: T): void {
    for (let at = task.heapIndex; ; ) {
      const left = 2 * at + 1
      if (left >= this.heap.length) return
      const right = left + 1
      const least = right < this.heap.length && goesBefore(this.heap[right]!, this.heap[left]!) ? right : left
      if (!goesBefore(this.heap[least]!, task)) return
      this.swap(at, least)
      at = least
    }
  }

  private swap(a: number, b: number): void {
    const [taskA, taskB] = [this.heap[a]!, this.heap[b]!]
    this.heap[a] = taskB
    this.heap[b] = taskA
    taskB.heapIndex = a
    taskA.heapIndex = b
  }
}

function goesBefore(a: Queued, b: Queued): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.deadlineMs !== b.deadlineMs) return a.deadlineMs < b.deadlineMs
  return a.chain === b.chain ? a.sequence < b.sequence : a.chain > b.chain
}

export class ReadyQueue<T extends Queued> {
  private readonly byTenant = new Map<string, TenantQueue<T>>()
  /** The tenant whose turn is next; the others follow in a ring. */
  private first: TenantQueue<T> | null = null
  /** The task that any scout would get now, while that is known and no task is constrained. */
  private next: T | undefined
  private constrained = 0
  size = 0

  /** Adds a task; a constrained one is not for every scout. */
  push(task: T, isConstrained = false): void {
    let queue = this.byTenant.get(task.tenant)
    if (queue === undefined) {
      queue = new TenantQueue(task.tenant, task.weight)
      this.byTenant.set(task.tenant, queue)
      this.join(queue)
    }
    queue.weight = task.weight
    if (isConstrained) queue.constrained.add(task)
    else queue.push(task)
    if (isConstrained) this.constrained++
    this.size++
    this.next = undefined
  }

  /**
   * The task whose turn it is among those that fit, left in place. Without `takesAny` only constrained ones are looked
   * at, for a scout that may not have what every other may.
   */
  peek(fits: (task: T) => boolean, takesAny = true): T | undefined {
    if (!takesAny) return this.constrained === 0 ? undefined : this.find(fits, false)
    if (this.next !== undefined) return this.next
    const found = this.find(fits, true)
    if (this.constrained === 0) this.next = found
    return found
  }

  /** Turns the ring until a tenant has a task that fits and enough to spend on it. */
  private find(fits: (task: T) => boolean, takesAny: boolean): T | undefined {
    // How many tenants in a row had nothing that fits: after a whole turn of them nobody has.
    let passed = 0
    for (let queue = this.first; queue !== null && passed < this.byTenant.size; queue = queue.after) {
      this.first = queue
      if (queue.deficit < 1) queue.deficit += queue.weight
      if (queue.deficit < 1) {
        // A weight below one saves up over several turns, for which the others are passed again.
        passed = 0
        continue
      }
      const head = takesAny ? queue.heap[0] : undefined
      const task = passed < looksMax ? queue.peek(fits, takesAny) : head
      if (task !== undefined) return task
      passed++
    }
    return undefined
  }

  /** Takes out a task because it is served, which its tenant pays for. */
  serve(task: T): void {
    const queue = this.byTenant.get(task.tenant)!
    queue.deficit--
    this.take(queue, task)
    if (queue.size > 0 && queue.deficit < 1) this.first = queue.after
  }

  /** Whether this task waits here. */
  has(task: T): boolean {
    return task.heapIndex >= 0 || this.byTenant.get(task.tenant)?.constrained.has(task) === true
  }

  /** Takes out a task that is cancelled, expired or placed by other means. */
  remove(task: T): void {
    const queue = this.byTenant.get(task.tenant)
    if (queue !== undefined) this.take(queue, task)
  }

  /** How many tasks will be served before this one if nothing else changes; exact while all weights are equal. */
  position(task: T): number {
    const own = this.byTenant.get(task.tenant)
    if (own === undefined) return 0
    let aheadOfOwn = 0
    for (const other of [...own.heap, ...own.constrained]) if (goesBefore(other, task)) aheadOfOwn++
    let ahead = aheadOfOwn
    let afterOwnTurn = false
    let queue = this.first!
    do {
      const turns = aheadOfOwn + (afterOwnTurn ? 0 : 1)
      if (queue === own) afterOwnTurn = true
      else ahead += Math.min(queue.size, Math.round((turns * queue.weight) / own.weight))
      queue = queue.after
    } while (queue !== this.first)
    return ahead
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const { heap, constrained } of this.byTenant.values()) {
      yield* heap
      yield* constrained
    }
  }

  private take(queue: TenantQueue<T>, task: T): void {
    if (task.heapIndex < 0) this.constrained--
    queue.remove(task)
    this.size--
    this.next = undefined
    if (queue.size > 0) return
    this.byTenant.delete(queue.tenant)
    this.part(queue)
  }

  /** The last in the ring. */
  private join(queue: TenantQueue<T>): void {
    if (this.first === null) {
      this.first = queue
      return
    }
    queue.after = this.first
    queue.before = this.first.before
    queue.before.after = queue
    queue.after.before = queue
  }

  private part(queue: TenantQueue<T>): void {
    if (queue === this.first) this.first = queue.after === queue ? null : queue.after
    queue.before.after = queue.after
    queue.after.before = queue.before
  }
}
