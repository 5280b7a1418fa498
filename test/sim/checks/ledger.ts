/**
 * What the frames alone show of sessions, credits and leases: every frame that passes the hub's edge is recorded
 * here, without a look into the core. Who may settle what follows from this ledger alone, so that it finds a core
 * that forgets a rule.
 */
import type { Greeting, Hello } from '../../../orchestrator/engine/ports/scouts.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'

export interface SessionBook {
  session: number
  scout: string
  instance: string
  isHonest: boolean
  /** Advertised, cut to the hub's own limit. */
  capacity: number
  /** Granted and not used, as the scout counts them. */
  credits: number
  /** It has said that it leaves. */
  isLeaving: boolean
  /** Its socket is closed. */
  isClosed: boolean
  /** And the core has learnt of it. */
  isGone: boolean
  held: Hello['held']
}

interface LeaseBook {
  task: number
  attempt: number
  nonce: string
  scout: string
  instance: string
  /** Null while its scout is not connected. */
  session: number | null
  /** The last sign of life of its scout or of itself. */
  signMs: number
  /** Since when its scout is gone, and how long it may be waited for; null while it is there, and after a restart. */
  awaited: { sinceMs: number; forMs: number } | null
}

type AdoptedLease = Pick<FrameOf<'task'>, 'attempt' | 'nonce'> & { session: number }

interface TaskBook {
  lastAttempt: number
  /** Ended as far as anybody outside can tell: nothing more may be granted. */
  isOver: boolean
  leases: LeaseBook[]
  /** The settlement that was acknowledged as done: its attempt and nonce. */
  done: string | null
  request: string
}

export function tripleOf(task: number, attempt: number, nonce: Uint8Array | string): string {
  return `${task}/${attempt}/${typeof nonce === 'string' ? nonce : hex(nonce)}`
}

function hex(nonce: Uint8Array): string {
  return Buffer.from(nonce).toString('hex')
}

export function isHonest(operator: string): boolean {
  return operator.startsWith('honest')
}

/** A stranger that acknowledges no cancel of a hub with this bound, or a lower one, is soon sent no more of them. */
const deafCreditMax = 8

export class Ledger {
  /** Of the present hub. */
  readonly sessions = new Map<number, SessionBook>()
  readonly tasks = new Map<number, TaskBook>()
  /** Those that have leases, and a few that had. */
  private readonly leased = new Set<TaskBook>()
  /** Settlements that arrived by the right of a lease that was in force, by task and attempt. */
  readonly entitled = new Map<string, { triple: string; isDone: boolean }>()
  /** The last of them that the present hub has acknowledged, by task: repeated, it is to be acknowledged again. */
  readonly acknowledged = new Map<number, string>()
  private readonly nonces = new Set<string>()
  /** Grants of this event that went out after the end of their task: each must be taken back in it. */
  private readonly late = new Set<string>()
  /** Attempts that came back to the present hub, settled or never sent: after that they give no credit back. */
  private readonly returned = new Set<string>()

  constructor(
    private readonly fail: (invariant: number, what: string) => void,
    private readonly creditMax: number,
  ) {}

  task(task: number): TaskBook {
    let book = this.tasks.get(task)
    if (book === undefined) {
      book = { lastAttempt: 0, isOver: false, leases: [], done: null, request: '' }
      this.tasks.set(task, book)
    }
    return book
  }

  /** The hub is gone, and with it every session; `isDurable` leases wait for its next start. */
  forgetSessions(isDurable: (task: number) => boolean): void {
    this.sessions.clear()
    this.acknowledged.clear()
    this.returned.clear()
    for (const [id, task] of this.tasks) {
      if (!isDurable(id)) Object.assign(task, { leases: [], lastAttempt: 0 })
      for (const lease of task.leases) Object.assign(lease, { session: null, awaited: null })
    }
  }

  // ------------------------------------------------------------ from scouts

  joined({ session, operator, hello }: Greeting): void {
    const { name, instance, held } = hello
    const capacity = Math.min(hello.concurrency, this.creditMax)
    const scout = `${operator}/${name}`
    const rest = { isHonest: isHonest(operator), credits: 0, isLeaving: false, isClosed: false, isGone: false }
    this.sessions.set(session, { session, scout, instance, capacity, held, ...rest })
  }

  /** False when the hub must not accept this many. */
  credit(session: number, count: number): boolean {
    const book = this.sessions.get(session)!
    if (book.credits + count > book.capacity) return false
    book.credits += count
    return true
  }

  offers(session: number, concurrency: number): void {
    const book = this.sessions.get(session)
    // One that has to dial another brain.
    if (book === undefined) return
    book.capacity = Math.min(concurrency, this.creditMax)
    book.credits = Math.min(book.credits, book.capacity)
  }

  /** A sign of life, of one lease or of all that this session holds. */
  sign(session: number, nowMs: number, only?: { task: number; attempt: number }): void {
    for (const { leases } of only === undefined ? this.withLeases() : [this.task(only.task)]) {
      for (const lease of leases) {
        if (lease.session === session && (only === undefined || only.attempt === lease.attempt)) lease.signMs = nowMs
      }
    }
  }

  private withLeases(): Iterable<TaskBook> {
    for (const book of this.leased) if (book.leases.length === 0) this.leased.delete(book)
    return this.leased
  }

  /** Remembers a settlement that has the right to be committed. Returns its triple, and whether it is the first. */
  settle(session: number, { task, attempt, nonce, outcome }: FrameOf<'settle'>) {
    const triple = tripleOf(task, attempt, nonce)
    this.returned.add(`${session}/${task}/${attempt}`)
    const lease = this.task(task).leases.find((known) => known.attempt === attempt)
    if (lease?.session !== session || lease.nonce !== hex(nonce)) return { triple, isFirst: false }
    // The first settlement counts; later ones are repeats of it, whatever they hold.
    const isFirst = this.entitled.get(`${task}/${attempt}`)?.triple !== triple
    if (isFirst) this.entitled.set(`${task}/${attempt}`, { triple, isDone: outcome === 'done' })
    if (this.acknowledged.get(task) !== triple) this.acknowledged.delete(task)
    return { triple, isFirst }
  }

  leaves(session: number): void {
    const book = this.sessions.get(session)
    if (book !== undefined) book.isLeaving = true
  }

  closed(session: number): void {
    const book = this.sessions.get(session)
    if (book !== undefined) book.isClosed = true
  }

  /** Returns the tasks that it worked on. `longestWaitMs`: for how long each may wait for it. */
  gone(session: number, nowMs: number, longestWaitMs: (task: number, isLeaving: boolean) => number): number[] {
    const book = this.sessions.get(session)
    if (book === undefined) return []
    book.isGone = true
    const tasks: number[] = []
    for (const { leases } of this.withLeases()) {
      for (const lease of leases) {
        const { task, attempt } = lease
        if (lease.session !== session) continue
        lease.session = null
        lease.awaited = { sinceMs: nowMs, forMs: longestWaitMs(task, book.isLeaving) }
        if (!this.entitled.has(`${task}/${attempt}`)) tasks.push(task)
      }
    }
    return tasks
  }

  /** What an earlier brain has given out goes on with this one. */
  adopted(task: number, attempt: number, leases: readonly AdoptedLease[], nowMs: number): void {
    const book = this.task(task)
    book.isOver = false
    book.lastAttempt = Math.max(book.lastAttempt, attempt)
    for (const { session, attempt: of, nonce } of leases) {
      const holder = this.sessions.get(session)
      if (holder === undefined) continue
      const { scout, instance } = holder
      this.leased.add(book)
      const own = { task, attempt: of, nonce: hex(nonce), scout, instance, session }
      book.leases.push({ ...own, signMs: nowMs, awaited: null })
    }
  }

  /**
   * An attempt could not be sent: its credit is as it was. Its client's edge may say so and its scout's too, which says
   * it also of one that was settled before its cancel came.
   */
  unsent(session: number, task: number, attempt: number): void {
    const holder = this.sessions.get(session)
    const grant = `${session}/${task}/${attempt}`
    const isFirst = !this.returned.has(grant)
    this.returned.add(grant)
    if (holder !== undefined && isFirst) holder.credits = Math.min(holder.capacity, holder.credits + 1)
    const book = this.task(task)
    book.leases = book.leases.filter((lease) => lease.attempt !== attempt)
  }

  // ------------------------------------------------------------ from the hub

  granted(session: SessionBook, frame: FrameOf<'task'>, nowMs: number, scoutsMax: 1 | 2): void {
    const { task, attempt } = frame
    const nonce = hex(frame.nonce)
    const book = this.task(task)
    if (session.credits <= 0) this.fail(5, `task ${task} was sent to session ${session.session} without a credit`)
    session.credits--
    if (attempt <= book.lastAttempt) this.fail(18, `task ${task}: attempt ${attempt} after ${book.lastAttempt}`)
    if (this.nonces.has(nonce)) this.fail(18, `task ${task}: its nonce was used before`)
    if (book.isOver) this.late.add(`${session.session}/${task}/${attempt}`)
    const others = this.atWork(book).length
    if (others >= scoutsMax) this.fail(34, `task ${task} was sent out while ${others} scouts work on it`)
    this.nonces.add(nonce)
    book.lastAttempt = attempt
    // Whoever held it without being connected has lost it.
    book.leases = book.leases.filter((lease) => lease.session !== null)
    const { scout, instance } = session
    this.leased.add(book)
    const holder = { scout, instance, session: session.session, signMs: nowMs, awaited: null }
    book.leases.push({ task, attempt, nonce, ...holder })
  }

  resumed(session: SessionBook, task: number, attempt: number, nowMs: number): void {
    const claim = session.held.find((held) => held.task === task && held.attempt === attempt)
    const lease = this.task(task).leases.find((known) => known.attempt === attempt)
    const nonce = claim && hex(claim.nonce)
    const isOwn = lease?.scout === session.scout && lease.instance === session.instance && lease.nonce === nonce
    // The same process on another socket, which supersedes the one before.
    const isFree = lease?.session === null || this.isTwin(session, lease?.session)
    if (lease !== undefined && isOwn && isFree) {
      Object.assign(lease, { session: session.session, signMs: nowMs, awaited: null })
      return
    }
    // Settled and not yet committed: it is asked to settle again.
    if (nonce !== undefined && this.entitled.get(`${task}/${attempt}`)?.triple === tripleOf(task, attempt, nonce))
      return
    this.fail(3, `session ${session.session} took up attempt ${attempt} of task ${task}, which it does not hold`)
  }

  private isTwin({ scout, instance }: SessionBook, other: number | undefined): boolean {
    const book = other === undefined ? undefined : this.sessions.get(other)
    return book?.scout === scout && book.instance === instance
  }

  /** The event of the world is over. */
  endTurn(): void {
    if (this.late.size === 0) return
    for (const grant of this.late) this.fail(9, `session/task/attempt ${grant} was sent out after its end`)
    this.late.clear()
  }

  /** The hub told this attempt to stop. */
  revoked(session: number, task: number, attempt: number): void {
    this.late.delete(`${session}/${task}/${attempt}`)
    const book = this.tasks.get(task)
    if (book === undefined) return
    book.leases = book.leases.filter((lease) => lease.attempt !== attempt || lease.session !== session)
  }

  over(task: number): void {
    const book = this.task(task)
    for (const { attempt, scout } of this.atWork(book)) {
      this.fail(34, `${scout} still works on attempt ${attempt} of task ${task}, which is over`)
    }
    book.isOver = true
    book.leases = []
  }

  /** Attempts that scouts work on as far as they know. Deaf ones may have had as many cancels as are sent at once. */
  private atWork({ leases }: TaskBook): LeaseBook[] {
    return leases.filter(({ task, attempt, session }) => {
      const book = session === null ? undefined : this.sessions.get(session)
      const isTold = book?.isHonest === true || this.creditMax > deafCreditMax
      return isTold && book?.isClosed === false && !this.entitled.has(`${task}/${attempt}`)
    })
  }

  /** The hub acknowledges a settlement. */
  committed(task: number, attempt: number): void {
    const right = this.entitled.get(`${task}/${attempt}`)
    if (right === undefined) return this.fail(3, `attempt ${attempt} of task ${task} had no right to be committed`)
    this.acknowledged.set(task, right.triple)
    const book = this.task(task)
    book.leases = book.leases.filter((lease) => lease.attempt !== attempt)
    if (right.isDone) this.done(task, right.triple)
  }

  /** An answer was committed under this triple; there may be one per task. */
  done(task: number, triple: string): void {
    const book = this.task(task)
    const right = this.entitled.get(triple.slice(0, triple.lastIndexOf('/')))
    if (right?.triple !== triple || !right.isDone)
      this.fail(3, `task ${task} was committed by a lease that was not in force`)
    if (book.done !== null && book.done !== triple) this.fail(3, `task ${task} was committed twice`)
    book.done = triple
  }
}
