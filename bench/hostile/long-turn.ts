/**
 * What the hub did in its longest turn, from the processor profile that it has left (`--profile DIR`): the functions of
 * this project in which its samples lie, each with what of the runtime it called last. `hostile.ts` says it after each
 * attack, for whoever looks for the cause of a turn that was too long.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}

interface Profile {
  nodes: ProfileNode[]
  /** Microseconds since 1970. */
  startTime: number
  /** Ids of the nodes on top of the stack, and the microseconds before each. */
  samples: number[]
  timeDeltas: number[]
}

export interface LongTurn {
  tookMs: number
  /** By the clock of `clockMs`. */
  endedMs: number
}

const placesShown = 8
const ownFiles = /\/(?:orchestrator|shared)\//

/**
 * Lines for people, the place with the most samples first; empty when the process has left no profile there. A long gap
 * between two samples is the system or the machine, not the place at its end.
 */
export function placesIn(profileDir: string, pid: number, { tookMs, endedMs }: LongTurn): string[] {
  const file = readdirSync(profileDir).find((name) => name.includes(`.${pid}.`) && name.endsWith('.cpuprofile'))
  if (file === undefined) return []
  const { nodes, startTime, samples, timeDeltas } = JSON.parse(readFileSync(join(profileDir, file), 'utf8')) as Profile
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const shares = new Map<string, number>()
  let atMs = startTime / 1_000
  let total = 0
  let gapMs = 0
  for (const [at, id] of samples.entries()) {
    const sampleMs = timeDeltas[at]! / 1_000
    atMs += sampleMs
    if (atMs < endedMs - tookMs || atMs > endedMs) continue
    const place = placeOf(id, byId, parents)
    shares.set(place, (shares.get(place) ?? 0) + sampleMs)
    total += sampleMs
    gapMs = Math.max(gapMs, sampleMs)
  }
  const places = [...shares].sort(([, a], [, b]) => b - a).slice(0, placesShown)
  const lines = places.map(([place, ms]) => `${((100 * ms) / total).toFixed(0)} % ${place}`)
  return [`${tookMs.toFixed(0)} ms, of which ${gapMs.toFixed(0)} between two samples`, ...lines]
}

/** The innermost function of this project on the stack, what it called last, and the outermost that is known. */
function placeOf(leaf: number, byId: ReadonlyMap<number, ProfileNode>, parents: ReadonlyMap<number, number>): string {
  const own: string[] = []
  for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
    const { functionName, url, lineNumber } = byId.get(id)!.callFrame
    if (ownFiles.test(url)) own.push(`${functionName} (${basename(url)}:${lineNumber + 1})`)
  }
  const { functionName, url } = byId.get(leaf)!.callFrame
  const called = ownFiles.test(url) ? '' : ` > ${functionName}`
  if (own.length === 0) return `the runtime${called}`
  return own.length === 1 ? own[0]! + called : `${own[0]}${called}, from ${own.at(-1)}`
}
