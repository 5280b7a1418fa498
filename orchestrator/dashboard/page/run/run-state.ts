/**
 * What is known of a running intent, made of its events one by one: nodes with state, times, who served, tokens and the
 * text as it streams. Pure; the run view feeds it and draws it. `shape` changes only when nodes join, never with
 * states.
 */
import { shortScout } from '../state/format.ts'

export type NodeState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled' | 'skipped'

export interface RunNode {
  node: string
  model: string
  needs: string[]
  /** The control node that it joined by; null for a node of the plan. */
  parent: string | null
  state: NodeState
  attempts: number
  scout: string
  /** When nothing but a scout was lacking: planned, and its needs done. */
  readyMs: number
  beganMs: number | null
  endedMs: number | null
  promptTokens: number
  completionTokens: number
  /** Millionths of a dollar; null where nothing says it. */
  microDollars: number | null
  problem: string | null
  text: string
}

interface EventData {
  at_ms?: number
  node?: string
  nodes?: { node: string; model: string; needs?: string[] }[]
  attempt?: number
  scout?: string
  state?: string
  served?: { scout: string; model: string } | null
  usage?: { promptTokens: number; completionTokens: number }
  microDollars?: number
  fault?: { message: string } | null
  choices?: { delta?: { content?: string | null } }[]
}

/** Characters that are kept of one node's streamed text; the whole is fetched when the node is done. */
const textCharsMax = 60_000

export class RunState {
  readonly nodes = new Map<string, RunNode>()
  /** Changes when, and only when, the graph has to be laid out anew. */
  shape = 0
  endState: string | null = null
  problem: string | null = null
  startedMs: number | null = null
  endedMs: number | null = null

  apply(type: string, data: EventData, nowMs: number): void {
    const atMs = data.at_ms ?? nowMs
    switch (type) {
      case 'planned':
        this.startedMs = atMs
        return this.join(data.nodes ?? [], null, atMs)
      case 'task_grown':
        return this.join(data.nodes ?? [], data.node ?? null, atMs)
      case 'task_started':
        return this.start(data, atMs)
      case 'attempt_reset':
        return this.change(data.node, { state: 'waiting', scout: '', text: '' })
      case 'chunk':
        return this.chunk(data)
      case 'task_settled':
        return this.settle(data, atMs)
      case 'retried':
        return this.retried(data, atMs)
      case 'done':
        this.endState = data.state ?? 'done'
        this.problem = data.fault?.message ?? null
        this.endedMs = atMs
    }
  }

  private join(nodes: NonNullable<EventData['nodes']>, parent: string | null, readyMs: number): void {
    for (const { node, model, needs = [] } of nodes) {
      if (this.nodes.has(node)) continue
      this.nodes.set(node, {
        ...{ node, model, needs, parent, readyMs, state: 'waiting', attempts: 0, scout: '' },
        ...{ beganMs: null, endedMs: null, promptTokens: 0, completionTokens: 0, microDollars: null },
        ...{ problem: null, text: '' },
      })
    }
    if (parent !== null) this.change(parent, { state: 'running' })
    this.shape++
  }

  private change(node: string | undefined, changes: Partial<RunNode>): void {
    const known = this.nodes.get(node ?? '')
    if (known !== undefined) Object.assign(known, changes)
  }

  private start({ node, attempt = 1, scout = '' }: EventData, atMs: number): void {
    const known = this.nodes.get(node ?? '')
    if (known === undefined) return
    const beganMs = known.beganMs ?? atMs
    const readyMs = Math.max(known.readyMs, ...known.needs.map((need) => this.nodes.get(need)?.endedMs ?? 0))
    this.change(node, {
      state: 'running',
      attempts: attempt,
      scout: shortScout(scout),
      beganMs,
      readyMs,
      endedMs: null,
      text: '',
    })
  }

  private chunk({ node, choices }: EventData): void {
    const known = this.nodes.get(node ?? '')
    const piece = choices?.[0]?.delta?.content
    if (known === undefined || !piece) return
    known.text = (known.text + piece).slice(-textCharsMax)
  }

  private settle({ node, state, served, usage, microDollars, fault }: EventData, atMs: number): void {
    const known = this.nodes.get(node ?? '')
    if (known === undefined) return
    this.change(node, {
      state: (state ?? 'done') as NodeState,
      endedMs: atMs,
      problem: fault?.message ?? null,
      ...(served && { scout: shortScout(served.scout) }),
      ...(usage && { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens }),
      ...(microDollars !== undefined && { microDollars }),
    })
  }

  private retried({ nodes }: EventData, atMs: number): void {
    this.endState = null
    this.endedMs = null
    const again = (nodes as unknown as (string | { node: string })[] | undefined) ?? []
    for (const one of again) {
      const node = typeof one === 'string' ? one : one.node
      this.change(node, { state: 'waiting', readyMs: atMs, beganMs: null, endedMs: null, problem: null, text: '' })
    }
  }
}
