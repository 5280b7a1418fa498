/**
 * The planner as the composition root plugs it in: what the client edge asks before an intent is accepted, and what the
 * engine asks while it runs.
 */

import type { Planner, PlannerFunctions } from '../engine/ports/planner.ts'
import { checkContract } from './contract/contract.ts'
import { decideInSteps } from './control/decide.ts'
import { planInTurns } from './plan.ts'
import { renderInSteps } from './request/render.ts'
import { estimate } from './scroll/estimate.ts'
import { scrollJsonSchema } from './scroll/scroll-schema.ts'

export const planner: Planner = { plan: planInTurns, estimate, scrollSchema: scrollJsonSchema() }

export const plannerFunctions: PlannerFunctions = { decide: decideInSteps, render: renderInSteps, checkContract }
