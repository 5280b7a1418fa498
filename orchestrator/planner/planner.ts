/**
 * The planner as the composition root plugs it in: what the client edge asks before an intent is accepted, and what the
 * engine asks while it runs.
 */
import type { PlannerFunctions } from '../engine/conductor-port.ts'
import type { Planner } from '../engine/intents-port.ts'
import { conduct } from './conduct.ts'
import { checkContract } from './contract.ts'
import { estimate } from './estimate.ts'
import { plan } from './plan.ts'
import { scrollJsonSchema } from './scroll-schema.ts'
import { render } from './work.ts'

export const planner: Planner = { plan, estimate, scrollSchema: scrollJsonSchema() }

export const plannerFunctions: PlannerFunctions = { conduct, render, checkContract }
