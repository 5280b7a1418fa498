/**
 * Scrolls one after another in a closed loop: so many at the same time, the next one begins when one is done. Engine
 * and store are those of production, the store on the disk with every commit flushed; scouts are simulated without
 * sockets. Measured is what a scroll pays over its critical path: from the last parent's settlement to the child's
 * grant.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { Plan, PlannedTask } from '../../orchestrator/engine/ports/planner.ts'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { realSystem } from '../../shared/system.ts'
import { Fleet, type FleetPlan, markOf, type Watch } from './fleet.ts'

export interface ScrollsPlan extends FleetPlan {
  /** At the same time. */
  scrolls: number
  warmUpMs: number
  measureMs: number
}

export interface ScrollsFigures {
  nodes: number
  nodesPerSecond: number
  scrollsDone: number
  /** Of every edge, milliseconds, sorted. */
  edgeMs: Float64Array
  /** Of every commit while it was measured, milliseconds, sorted. */
  commitMs: Float64Array
}

/** Ten nodes in four layers; each names what it needs. */
const needs = [[], [0], [0], [0], [0], [1, 2], [2, 3], [3, 4], [4, 1], [5, 6, 7, 8]]
const layers = 4
const edgesMax = 4_000_000

export async function runScrolls(plan: ScrollsPlan): Promise<ScrollsFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-scrolls-'))
  const system = realSystem()
  const data = openDataFolder(folder, 'hub', system)
  if ('flaw' in data) throw new Error(data.flaw)
  const run = new Run(plan)
  const fleet = new Fleet(plan, run)
  const { store } = data
  const { commit } = store
  store.commit = (writes) => {
    const beginMs = performance.now()
    commit(writes)
    run.committed(performance.now() - beginMs)
  }
  const onDefect = (defect: Error) => {
    throw defect
  }
  const engine = new HubEngine({ system, store, links: fleet, epoch: store.nextEpoch(), onDefect })
  try {
    engine.start()
    fleet.join(engine)
    return await run.live(engine)
  } finally {
    fleet.leave()
    engine.stop()
    data.close()
    rmSync(folder, { recursive: true })
  }
}

class Run implements Watch {
  private readonly settledMs = new Map<number, Float64Array>()
  private readonly edges = new Float64Array(edgesMax)
  private edgeCount = 0
  private readonly commits: number[] = []
  private nodes = 0
  private done = 0
  private nextScroll = 0
  private engine: HubEngine | null = null
  private isMeasuring = false
  private isOver = false

  constructor(private readonly plan: ScrollsPlan) {}

  async live(engine: HubEngine): Promise<ScrollsFigures> {
    this.engine = engine
    // Spread over the time that one takes, so that they are not all at the same node.
    const { scrolls, thinkMs, warmUpMs } = this.plan
    for (let at = 0; at < scrolls; at++) setTimeout(() => this.begin(), (at / scrolls) * layers * thinkMs)
    await Bun.sleep(warmUpMs + layers * thinkMs)
    const beginMs = performance.now()
    this.isMeasuring = true
    await Bun.sleep(this.plan.measureMs)
    this.isMeasuring = false
    this.isOver = true
    const seconds = (performance.now() - beginMs) / 1_000
    const edgeMs = this.edges.slice(0, this.edgeCount).sort()
    return {
      nodes: this.nodes,
      nodesPerSecond: this.nodes / seconds,
      scrollsDone: this.done,
      edgeMs,
      commitMs: new Float64Array(this.commits).sort(),
    }
  }

  committed(tookMs: number): void {
    if (this.isMeasuring) this.commits.push(tookMs)
  }

  granted(scroll: number, node: number, nowMs: number): void {
    if (!this.isMeasuring || node === 0 || this.edgeCount >= edgesMax) return
    const settled = this.settledMs.get(scroll)!
    this.edges[this.edgeCount++] = nowMs - Math.max(...needs[node]!.map((parent) => settled[parent]!))
  }

  settled(scroll: number, node: number, nowMs: number): void {
    if (this.isMeasuring) this.nodes++
    this.settledMs.get(scroll)![node] = nowMs
    if (node < needs.length - 1) return
    this.settledMs.delete(scroll)
    if (this.isMeasuring) this.done++
    this.begin()
  }

  private begin(): void {
    if (this.isOver) return
    const scroll = this.nextScroll++
    this.settledMs.set(scroll, new Float64Array(needs.length))
    const rest = { tenant: `key_${scroll % 20}`, weight: 1, priority: 5, deadlineMs: 600_000, metadata: {} }
    void this.engine!.intents.accept({ ...rest, plan: planOf(scroll) }).then((accepted) => {
      if (accepted.type === 'refused' && !this.isOver) throw new Error(accepted.fault.message)
    })
  }
}

function planOf(scroll: number): Plan {
  const tasks = needs.map((parents, node): PlannedTask => {
    const messages = [{ role: 'user', content: `Take the next step. ${markOf(scroll, node)}` }]
    const request = Buffer.from(JSON.stringify({ messages }))
    return { node: `n${node}`, kind: 'chat', model: 'bench', needs: parents.map((one) => `n${one}`), request }
  })
  return { tasks, resultNode: `n${needs.length - 1}` }
}
