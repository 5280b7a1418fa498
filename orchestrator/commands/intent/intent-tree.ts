/**
 * What a scroll looks like to a person who watches it: a tree of its nodes with state, scout, time and tokens, made of
 * the events of the intent. Pure text; `intent.ts` reads the events and decides when and where it is drawn.
 */
import type { TerminalTaskState } from '../../../shared/task-state.ts'

interface EventData {
  node?: string
  model?: string
  nodes?: { node: string; model: string }[]
  scout?: string
  state?: string
  served?: { scout: string } | null
  usage?: { promptTokens: number; completionTokens: number }
  fault?: { message: string } | null
  note?: string | null
}

type State = 'waits' | 'runs' | TerminalTaskState

interface Branch {
  name: string
  model: string
  state: State
  scout: string
  beganMs: number | null
  endedMs: number | null
  tokens: number
  children: Branch[]
}

/** Of more children than this, only a count is drawn. */
const childrenShownMax = 8
const nameWidthMax = 32

export class ScrollTree {
  private readonly roots: Branch[] = []
  private readonly byName = new Map<string, Branch>()

  /** Adds one event; returns a line about it, or null for an event that needs none. */
  add(type: string, data: EventData, nowMs: number): string | null {
    switch (type) {
      case 'planned':
        for (const one of data.nodes ?? []) this.roots.push(this.branch(one))
        return `planned: ${names(data)}`
      case 'task_started':
        return this.change(data, { state: 'runs', scout: shortName(data.scout), endedMs: null }, nowMs)
      case 'attempt_reset':
        return this.change(data, { state: 'waits', scout: '' }, nowMs)
      case 'task_grown':
        return this.expand(data, nowMs)
      case 'task_settled':
        return this.settle(data, nowMs)
      default:
        return null
    }
  }

  private branch({ node, model }: { node: string; model: string }): Branch {
    const times = { beganMs: null, endedMs: null }
    const branch: Branch = { name: node, model, state: 'waits', scout: '', ...times, tokens: 0, children: [] }
    this.byName.set(node, branch)
    return branch
  }

  private change(data: EventData, changes: Partial<Branch>, nowMs: number): string | null {
    const branch = this.byName.get(data.node ?? '')
    if (branch === undefined) return null
    Object.assign(branch, changes)
    branch.beganMs ??= nowMs
    return `${branch.name} ${branch.state}${branch.scout && ` at ${branch.scout}`}`
  }

  private expand(data: EventData, nowMs: number): string | null {
    const parent = this.byName.get(data.node ?? '')
    if (parent === undefined) return null
    parent.state = 'runs'
    parent.beganMs ??= nowMs
    for (const one of data.nodes ?? []) parent.children.push(this.branch(one))
    return `${parent.name} grows: ${names(data)}${data.note ? ` (${data.note})` : ''}`
  }

  private settle(data: EventData, nowMs: number): string | null {
    const { usage, served, fault } = data
    const tokens = usage === undefined ? 0 : usage.promptTokens + usage.completionTokens
    const scout = served ? { scout: shortName(served.scout) } : {}
    const line = this.change(data, { state: (data.state ?? 'done') as State, endedMs: nowMs, tokens, ...scout }, nowMs)
    const cause = fault ?? null
    return line && `${line}${tokens > 0 ? `, ${tokens} tokens` : ''}${cause === null ? '' : `: ${cause.message}`}`
  }

  /** The tree as lines of at most `width` characters. */
  draw(nowMs: number, width: number): string[] {
    return this.roots.flatMap((root) => this.lines(root, 0, nowMs)).map((line) => line.slice(0, width))
  }

  private lines(branch: Branch, depth: number, nowMs: number): string[] {
    const { name, model, state, scout, beganMs, endedMs, children } = branch
    const seconds = beganMs === null ? '' : `${(((endedMs ?? nowMs) - beganMs) / 1_000).toFixed(1)} s`
    const tokens = tokensOf(branch)
    const label = `${'  '.repeat(depth)}${name}`.slice(0, nameWidthMax).padEnd(nameWidthMax)
    const facts = [state.padEnd(9), seconds.padStart(8), `${tokens || ''}`.padStart(8), scout || model]
    const own = `${label} ${facts.join('  ')}`
    if (children.length <= childrenShownMax) {
      return [own, ...children.flatMap((child) => this.lines(child, depth + 1, nowMs))]
    }
    const counts = new Map<State, number>()
    for (const child of children) counts.set(child.state, (counts.get(child.state) ?? 0) + 1)
    const summary = [...counts].map(([one, count]) => `${count} ${one}`).join(', ')
    return [own, `${'  '.repeat(depth + 1)}${children.length} nodes: ${summary}`]
  }
}

function tokensOf({ tokens, children }: Branch): number {
  return children.reduce((sum, child) => sum + tokensOf(child), tokens)
}

function names({ nodes = [] }: EventData): string {
  const shown = nodes.slice(0, childrenShownMax).map(({ node }) => node)
  const left = nodes.length - shown.length
  return shown.join(', ') + (left > 0 ? ` and ${left} more` : '')
}

/** A scout's id holds its key's; people know it by the rest. */
function shortName(scout: string | undefined): string {
  return scout?.slice(scout.indexOf('/') + 1) ?? ''
}
