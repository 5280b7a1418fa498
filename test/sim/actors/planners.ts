/**
 * Clients of durable intents: scrolls of a few tasks that need each other, submitted until the hub accepts, with or
 * without an Idempotency-Key, then followed by their events through restarts of the hub, and sometimes
 * cancelled. Once the hub has accepted, the intent must end with the right results.
 */
import type { IntentEvent, IntentEvents, IntentSubmission } from '../../../orchestrator/engine/ports/intents.ts'
import type { PlannedTask } from '../../../orchestrator/engine/ports/planner.ts'
import { answerTo } from '../answers.ts'
import type { Checker } from '../checks/invariants.ts'
import { payerOf, type Tenant } from '../payers.ts'
import type { Scenario } from '../scenario.ts'
import type { Dice, Process, World } from '../world.ts'
import type { Spec } from './control-nodes.ts'
import type { SimHub } from './front.ts'

const giveUpAfterTries = 8
const retryMs = 3_000

interface Errand {
  submission: IntentSubmission
  tries: number
  id: string | null
  lastEventId: string | null
  seq: number
  /** Chunks heard of, by node and attempt. */
  chunks: Map<string, number>
  settled: Set<string>
  isCancelled: boolean
  /** One of its nodes was tried once more. */
  isRetried: boolean
  isOver: boolean
}

export class Planner {
  private readonly process: Process
  /** Chance of what not every life has, so that the others are as they were before it was thought of. */
  private readonly apart: Dice
  private isLeaving = false
  readonly errands: Errand[] = []

  constructor(
    private readonly world: World,
    private readonly hub: SimHub,
    private readonly checker: Checker,
    private readonly scenario: Scenario,
    private readonly name: string,
  ) {
    this.process = world.process(`planner ${name}`)
    this.apart = world.dice(`apart ${name}`)
    this.think()
  }

  leave(): void {
    this.isLeaving = true
  }

  private think(): void {
    this.process.after(this.process.dice.waitMs(this.scenario.planMs), () => {
      if (this.isLeaving) return
      this.think()
      const errand: Errand = {
        submission: this.submission(),
        tries: 0,
        id: null,
        lastEventId: null,
        seq: 0,
        chunks: new Map(),
        settled: new Set(),
        isCancelled: false,
        isRetried: false,
        isOver: false,
      }
      this.submit(errand)
    })
  }

  private submission(): IntentSubmission {
    const { dice } = this.process
    const tasks = Array.from({ length: dice.pick([1, 1, 2, 3, 5]) }, (_, at) => this.planned(at))
    const isHopeless = dice.chance(0.05)
    if (isHopeless) tasks[dice.below(tasks.length)]!.model = 'nobody-has-it'
    const repeatKey = `${this.name}-${dice.next32()}`
    const hasKey = dice.chance(0.7)
    const idempotency = { route: 'POST /v1/intents', key: repeatKey, bodyHash: 'same' }
    const tenant = dice.pick<Tenant>(['t1', 't2'])
    return {
      tenant,
      key: payerOf(tenant, tasks.length, this.world.nowMs),
      weight: 1,
      plan: { tasks, resultNode: tasks.at(-1)!.node },
      priority: dice.between(0, 9),
      deadlineMs: isHopeless ? 50_000 : dice.pick([90_000, 300_000, 600_000]),
      // So that the disk shows which intents were made for one key.
      metadata: hasKey ? { key: repeatKey } : {},
      ...(hasKey && { idempotency }),
    }
  }

  private planned(at: number): PlannedTask {
    const { dice } = this.process
    const needs: string[] = []
    for (let before = 0; before < at; before++) if (dice.chance(0.5)) needs.push(`n${before}`)
    if (dice.chance(0.15)) return this.control(`n${at}`, needs)
    const isEmbedding = dice.chance(0.1)
    const messages = [{ role: 'user', content: `${this.name} ${dice.next32()}` }]
    const request = Buffer.from(JSON.stringify({ messages, want: [dice.below(5), 8] }))
    const model = isEmbedding ? 'vectors' : dice.pick([...this.scenario.models, 'auto'])
    return { node: `n${at}`, kind: isEmbedding ? 'embed' : 'chat', model, needs, request }
  }

  /** A node that grows for a round or two, sometimes by others of its kind. */
  private control(node: string, needs: string[]): PlannedTask {
    const { dice } = this.process
    const { models, bulkChars } = this.scenario
    const rounds = dice.pick([0, 1, 1, 2])
    const [parts, depth, fails] = [dice.between(0, 3), dice.below(2), dice.chance(0.1)]
    const isDeadly = this.apart.chance(this.scenario.deadlyShare)
    const endsHub = isDeadly ? `${this.name}-${this.apart.next32()}` : null
    const control: Spec = { models, parts, rounds, depth, bulkChars, endsHub, fails }
    return { node, kind: 'chat', model: 'decided', needs, request: Buffer.from('{}'), control }
  }

  /** Tries until the hub says yes or no for good; without a key only as long as it says that it did nothing. */
  private submit(errand: Errand): void {
    const { hub, process, checker } = this
    const again = () => {
      if (++errand.tries < giveUpAfterTries) process.after(process.dice.waitMs(retryMs), () => this.submit(errand))
    }
    if (!hub.up) return again()
    const { generation } = hub
    const lost = () => void (errand.submission.idempotency !== undefined && errand.id === null && again())
    hub.mourners.add(lost)
    void hub
      .ask(() => hub.engine.intents.accept(errand.submission))
      ?.then((reply) => {
        if (!hub.up || hub.generation !== generation) return
        hub.mourners.delete(lost)
        if (reply.type === 'refused') return again()
        errand.id = reply.id
        checker.acknowledged(reply.id, errand.submission.idempotency?.key ?? null)
        this.errands.push(errand)
        this.follow(errand)
        const { apart } = this
        const isRepeated = errand.submission.idempotency !== undefined && apart.chance(this.scenario.repeatShare)
        if (isRepeated) process.after(apart.waitMs(60_000), () => this.repeat(errand, apart.chance(0.5)))
        const { dice } = process
        // Some change their minds at once, while the first decisions are being written.
        if (this.apart.chance(this.scenario.bulkChars > 0 ? 0.3 : 0)) process.after(0, () => this.cancel(errand))
        else if (dice.chance(0.15)) process.after(dice.waitMs(5_000), () => this.cancel(errand))
      })
  }

  /** Sends it again under its key, or something else, which must not get its answer. */
  private repeat({ id, submission }: Errand, isSame: boolean): void {
    const { hub, checker } = this
    if (!hub.up) return
    const { generation } = hub
    const { key, ...scope } = submission.idempotency!
    const idempotency = { ...scope, key, bodyHash: isSame ? scope.bodyHash : 'another' }
    void hub
      .ask(() => hub.engine.intents.accept({ ...submission, idempotency }))
      ?.then((reply) => {
        if (!hub.up || hub.generation !== generation) return
        const got = reply.type === 'refused' ? reply.fault.code : reply.id
        const expected = isSame ? id : 'idempotency_mismatch'
        if (got !== expected) checker.fail(2, `key ${key} was answered with ${got} instead of ${expected}`)
      })
  }

  private cancel(errand: Errand): void {
    if (this.hub.up && !errand.isOver) this.cancelNow(errand)
  }

  private cancelNow(errand: Errand): void {
    const { hub, checker, process } = this
    const { generation } = hub
    const id = errand.id!
    void hub
      .ask(() => hub.engine.intents.cancel(id, errand.submission.tenant))
      ?.then((refused) => {
        if (!hub.up || hub.generation !== generation) return
        if (refused?.code === 'store_unavailable') {
          // The outcome is unknown: ask again, as the error says.
          process.after(refused.retryAfterMs ?? retryMs, () => this.cancel(errand))
          return
        }
        errand.isCancelled = true
        const open = hub.disk.disk.intents.get(id)?.tasks.filter(({ row }) => /ready|blocked|leased/.test(row.state))
        if (refused !== null || open === undefined)
          return checker.fail(19, `intent ${id} was not found when it was cancelled`)
        if (open.length > 0) checker.fail(19, `intent ${id} was cancelled and ${open.length} of its tasks go on`)
      })
  }

  /** Tries one of the nodes that failed once more; a model that nobody has would keep it waiting for an hour. */
  private retry(errand: Errand): void {
    const { hub, process } = this
    const { id, submission, isRetried } = errand
    const isHopeless = submission.plan.tasks.some(({ model }) => model === 'nobody-has-it')
    if (!hub.up || isRetried || isHopeless || this.isLeaving || process.dice.chance(0.5)) return
    const { generation } = hub
    const failed = hub.engine.intents.tasks(id!).filter(({ state }) => state === 'failed' || state === 'skipped')
    const { node } = process.dice.pick(failed)
    errand.isRetried = true
    // Also when the hub dies meanwhile: what is on the disk then is found after its restart.
    const goOn = () => {
      if (hub.disk.disk.intents.get(id!)!.events.length === errand.seq) return
      errand.isOver = false
      this.follow(errand)
    }
    hub.mourners.add(goOn)
    void hub
      .ask(() => hub.engine.intents.retry(id!, node, submission.tenant))
      ?.then((refused) => {
        if (!hub.up || hub.generation !== generation) return
        hub.mourners.delete(goOn)
        if (refused === null) goOn()
      })
    // Some cancel before the retry is committed.
    if (process.dice.chance(0.3)) this.cancelNow(errand)
  }

  // ------------------------------------------------------------ following

  private follow(errand: Errand): void {
    const { hub, process, checker } = this
    if (errand.isOver) return
    if (!hub.up) return void process.after(retryMs, () => this.follow(errand))
    const { generation } = hub
    const events = hub.engine.intents.events(errand.id!, errand.submission.tenant, errand.lastEventId)
    if (events === undefined) return checker.fail(2, `intent ${errand.id} was acknowledged and is not found`)
    // A connection lasts a while; then the reader comes back with the last id it has seen.
    let isOpen = true
    const reconnect = () => {
      if (!isOpen) return
      isOpen = false
      hub.mourners.delete(reconnect)
      if (hub.generation === generation && hub.up) events.close()
      process.after(process.dice.below(2_000), () => this.follow(errand))
    }
    hub.mourners.add(reconnect)
    process.after(process.dice.waitMs(30_000), reconnect)
    const listen = () => {
      void events.readable().then(() => {
        if (!isOpen || hub.generation !== generation || !hub.up) return
        process.after(process.dice.pick([0, 10, 1_000]), () => {
          if (!isOpen || hub.generation !== generation || !hub.up) return
          this.hear(errand, events)
          if (!errand.isOver) return listen()
          isOpen = false
          hub.mourners.delete(reconnect)
          events.close()
        })
      })
    }
    listen()
  }

  private hear(errand: Errand, events: IntentEvents): void {
    const part = events.take()
    if (part === null) return
    for (const event of part.events) {
      if (errand.isOver) return this.checker.fail(21, `intent ${errand.id} went on after its end`)
      this.note(errand, event)
      errand.lastEventId = event.id
    }
  }

  private note(errand: Errand, { id, type, data }: IntentEvent): void {
    const { checker } = this
    const fail = (what: string) => checker.fail(21, `intent ${errand.id}, event ${id} ${type}: ${what}`)
    const facts = JSON.parse(data) as {
      node?: string
      attempt?: number
      index?: number
      choices?: unknown
      nodes?: unknown
    }
    if (type === 'chunk') return this.noteChunk(errand, facts as Required<typeof facts>, fail)
    const seq = Number(id.split('~')[0])
    if (seq !== errand.seq + 1) fail(`comes after ${errand.seq}`)
    errand.seq = seq
    if ((seq === 1) !== (type === 'planned')) fail('is not where it belongs')
    if (type === 'retried') for (const node of facts.nodes as string[]) errand.settled.delete(node)
    if (facts.node !== undefined && errand.settled.has(facts.node)) fail(`is about ${facts.node}, which is over`)
    if (type === 'task_settled') errand.settled.add(facts.node!)
    if (type === 'done') this.conclude(errand, fail)
  }

  private noteChunk(
    errand: Errand,
    { node, attempt, index, choices }: { node: string; attempt: number; index: number; choices: unknown },
    fail: (what: string) => void,
  ): void {
    const key = `${node}/${attempt}`
    const told = errand.chunks.get(key) ?? 0
    if (index !== told) fail(`piece ${index} of ${key} comes after ${told}`)
    errand.chunks.set(key, told + 1)
    if (errand.settled.has(node)) fail(`is about ${node}, which is over`)
    const task = this.hub.disk.disk.intents.get(errand.id!)!.tasks.find(({ row }) => row.node === node)!.row.task
    const request = this.checker.requests.get(task)
    const line = request && answerTo(request).lines[index]
    if (line !== JSON.stringify({ choices })) fail(`piece ${index} of ${key} is not its answer`)
  }

  private conclude(errand: Errand, fail: (what: string) => void): void {
    errand.isOver = true
    const { id, submission } = errand
    const view = this.hub.engine.intents.intent(id!, submission.tenant)
    if (view === undefined || view.state === 'running') return fail('but it is still running')
    if (errand.isCancelled && view.state === 'done' && view.fault !== null) fail('done with a fault')
    const result = this.hub.engine.intents.result(id!, submission.plan.resultNode)
    if ((view.state === 'done') !== (result !== undefined)) fail(`${view.state} does not fit its result`)
    if (view.state === 'failed') this.process.after(this.process.dice.waitMs(retryMs), () => this.retry(errand))
  }
}
