/**
 * The public API of the scout, exported as `chasm/scout`: a scout for a capability of one's own, be it a function, a
 * retrieval service or a tool. What it offers is listed by the hub beside the models of all others, and clients ask
 * for it by its name. It is configured like every scout, by `.env` and environment.
 */

import { loadEnvFile } from '../../shared/env-file.ts'
import { aboutCharsMax, modelCharsMax, nameCharsMax, offersMax } from '../../shared/limits/wire.ts'
import { realSystem } from '../../shared/system.ts'
import { autoModel, type Offer, offerOf } from '../../shared/task.ts'
import { readConfig } from '../config.ts'
import { refuse, runScout } from '../process/process.ts'
import { type Handle, Specialist } from './specialist.ts'

export { ScoutError, type SpecialistAnswer, type SpecialistRequest } from './specialist.ts'

export interface ScoutOffer {
  /** What clients put into `model`: 1 to 128 characters. */
  model: string
  /** What it is good for, for people and planners; at most 160 characters, the rest is cut off. */
  about?: string
  /** How many tokens a request may have; left out when there is no such limit. */
  contextTokens?: number
}

export interface ScoutDefinition {
  /** Name of this scout and of the provider in its answers; `SCOUT_NAME` wins. Left out: that of the machine. */
  name?: string
  /** What it answers for, each by its name alone or with a word about it. */
  offers: readonly (string | ScoutOffer)[]
  /**
   * Answers one request. An error it throws fails this one task; the message of a `ScoutError` is sent to the client.
   */
  handle: Handle
}

export interface DefinedScout {
  /**
   * Dials the orchestrator of `ORCHESTRATOR_URL` with `SCOUT_KEY` and serves until a signal or `chasm-scout drain`
   * ends it; then it ends the process. Bad configuration ends it at once with exit code 2.
   */
  run(): Promise<void>
}

/** A scout that answers with `handle`. Throws a TypeError of one sentence when the definition cannot be used. */
export function defineScout(definition: ScoutDefinition): DefinedScout {
  const { name, handle } = definition
  if (typeof handle !== 'function') throw new TypeError('handle must be a function that answers a request.')
  if (name !== undefined && !isName(name, nameCharsMax)) {
    throw new TypeError(`name must be 1 to ${nameCharsMax} characters without control characters.`)
  }
  const provider = new Specialist(name ?? 'specialist', offersOf(definition), handle)
  return { run: () => run(provider, name) }
}

function offersOf({ name = 'specialist', offers }: ScoutDefinition): Offer[] {
  if (!Array.isArray(offers) || offers.length === 0 || offers.length > offersMax) {
    throw new TypeError(`offers must be a list of 1 to ${offersMax} names or offers.`)
  }
  const read = (offers as ScoutDefinition['offers']).map((given) => {
    const { model, about = '', contextTokens = 0 } = typeof given === 'string' ? { model: given } : given
    if (!isName(model, modelCharsMax) || model === autoModel) {
      throw new TypeError(
        `An offer's model must be 1 to ${modelCharsMax} characters without control characters, and not "${autoModel}".`,
      )
    }
    if (!Number.isSafeInteger(contextTokens) || contextTokens < 0) {
      throw new TypeError(`contextTokens of ${model} must be a whole number from 0.`)
    }
    return offerOf({ kind: 'chat', model, provider: name, contextTokens, about: oneLine(about) })
  })
  if (new Set(read.map(({ model }) => model)).size === read.length) return read
  throw new TypeError('offers must name each model once.')
}

function isName(text: unknown, charsMax: number): text is string {
  return typeof text === 'string' && text !== '' && text.length <= charsMax && !/\p{Cc}/u.test(text)
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, aboutCharsMax)
}

async function run(provider: Specialist, name: string | undefined): Promise<void> {
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return refuse([flaw])
  const config = readConfig({ ...process.env, SCOUT_NAME: process.env.SCOUT_NAME || name })
  if (Array.isArray(config)) return refuse(config)
  await runScout(config, async () => [provider], realSystem())
}
