/**
 * The planner's own data in control nodes: JSON that is stored until the node's needs are settled. Scrolls and
 * templates write specs, `decide.ts` reads them. Field names are those of stored data.
 */
import type { PlannedTask, PlannedTry } from '../../engine/ports/planner.ts'
import type { Reference } from '../request/references.ts'
import type { RequestTemplate } from '../request/request-template.ts'

/** A test on a field of a need's result. */
export interface Condition {
  ref: Reference
  is?: string | number | boolean | null | undefined
  in?: (string | number | boolean | null)[] | undefined
  exists?: boolean | undefined
  above?: number | undefined
  below?: number | undefined
}

/** Where the items of a map come from. */
export type Source =
  | { list: unknown[] }
  | { ref: Reference }
  /** A text to split, or where it will come from. */
  | { text: string | Reference; chars: number }

export interface MapSpec {
  type: 'map'
  when: Condition | null
  over: Source
  max: number
  work: RequestTemplate
  /** Between the answers; null for a JSON list of them. */
  join: string | null
  reduce: { work: RequestTemplate; chars: number } | null
}

export interface VoteSpec {
  type: 'vote'
  when: Condition | null
  /** One for each answer. */
  works: RequestTemplate[]
  quorum: number
  /** Null when agreement decides. */
  judge: RequestTemplate | null
}

export interface GateSpec {
  type: 'gate'
  when: Condition
  work: RequestTemplate
}

/** A planning model is asked for a scroll; `single` is what is done when it has none to offer. */
export interface PlanSpec {
  type: 'plan'
  /** What asks it for a proposal. */
  work: RequestTemplate
  input: string
  /** For nodes that name no model, and the names that a proposal may use. */
  model: string
  models: string[]
  single: RequestTemplate
}

/** One request by several models in turn, until one answers. */
export interface TriesSpec {
  type: 'tries'
  /** Its own model does not count. */
  request: Record<string, unknown>
  tries: PlannedTry[]
}

/** Of a node that somebody wrote into a scroll. */
export type NodeSpec = MapSpec | VoteSpec | GateSpec
export type ControlSpec = NodeSpec | PlanSpec | TriesSpec

/** The request as this try of it asks. */
export function tryOf({ request, tries }: TriesSpec, at: number): RequestTemplate {
  const { model, terms } = tries[at]!
  return { kind: 'chat', model, request: { ...request, model }, fills: [], terms, needs: [] }
}

export function controlTask(node: string, needs: string[], spec: ControlSpec): PlannedTask {
  return { node, kind: 'chat', model: spec.type, needs, request: Buffer.from('{}'), control: spec }
}
