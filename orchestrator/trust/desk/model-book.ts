/**
 * What is known of each model: how alike trusted pairs are, for requests at a low temperature and for the others; its
 * brake; how its requests look; its questions. Pairs outlive the process, the rest is made anew. Bounded in models.
 */
import {
  envelopeBytesMax,
  envelopeEveryMs,
  envelopesKept,
  trustMemoryEveryMs,
  trustModelsMax,
} from '../../../shared/limits/trust/audits.ts'
import type { WitnessedAnswer } from '../../engine/ports/trust/witness.ts'
import { Envelopes } from '../audits/envelopes.ts'
import { QuestionBank } from '../audits/question-bank.ts'
import { type Pair, TrustedPairs } from '../comparison/pairs.ts'
import { Brake } from '../standing/brake.ts'
import type { Sample, TrustParts } from './parts.ts'

/** Requests of one class are answered about as freely. */
const temperatures = ['cold', 'warm'] as const
export type Temperature = (typeof temperatures)[number]

/** Rows of the store's memory: pairs of each model at both temperatures, and one row of the budget's. */
export const trustMemoryRows = 2 * trustModelsMax + 1

export interface ModelKnowledge {
  pairs: Record<Temperature, TrustedPairs>
  brake: Brake
  envelopes: Envelopes
  questions: QuestionBank
  /** Scouts whose probation with it is over, where there are probations. */
  proven: Set<string>
  /** Newest answers, to be asked again of somebody else. */
  samples: Sample[]
  /** When the last of both was taken. */
  notedMs: number
}

export class ModelBook {
  private readonly models = new Map<string, ModelKnowledge>()
  /** Pairs that differ from their rows in the store, by the rows' names. */
  private readonly changed = new Map<string, TrustedPairs>()
  private writtenMs: number

  constructor(private readonly parts: TrustParts) {
    this.writtenMs = parts.system.nowMs()
    for (const { name, body } of parts.store.trustMemory(trustMemoryRows)) this.recall(name, body)
  }

  names(): string[] {
    return [...this.models.keys()]
  }

  /** undefined when there are too many models. */
  of(model: string): ModelKnowledge | undefined {
    const known = this.models.get(model)
    if (known !== undefined || this.models.size >= trustModelsMax) return known
    const pairs = { cold: new TrustedPairs(), warm: new TrustedPairs() }
    const made = { pairs, brake: new Brake(), envelopes: new Envelopes(), questions: new QuestionBank() }
    const knowledge: ModelKnowledge = { ...made, proven: new Set(), samples: [], notedMs: 0 }
    this.models.set(model, knowledge)
    return knowledge
  }

  /** Whether this one is to be kept as an example: its request is short, and there are few or the newest is old. */
  wantsExample({ served, request }: WitnessedAnswer): boolean {
    const knowledge = request.length > envelopeBytesMax ? undefined : this.of(served.model)
    if (knowledge === undefined) return false
    return knowledge.samples.length < envelopesKept || this.parts.system.nowMs() - knowledge.notedMs >= envelopeEveryMs
  }

  /** Keeps its request as an example and, with its answer, to be asked again. */
  noteExample(sample: Sample): void {
    const { kind, served, request, stream } = sample.answer
    const knowledge = this.of(served.model)
    if (knowledge === undefined) return
    const { samples, envelopes } = knowledge
    knowledge.notedMs = this.parts.system.nowMs()
    if (kind === 'chat') envelopes.note(request, stream)
    if (samples.length >= envelopesKept) samples.shift()
    samples.push(sample)
  }

  /** One that this owner was not given, out of those that are kept: the next answer takes its place. */
  takeSample(model: string, owner: string, unit: number): Sample | undefined {
    const samples = this.of(model)?.samples ?? []
    const fitting = samples.filter((one) => !one.isTaken && !one.seenBy.has(owner))
    const sample = fitting[Math.floor(unit * fitting.length)]
    if (sample !== undefined) samples.splice(samples.indexOf(sample), 1)
    return sample
  }

  addPair(model: string, temperature: Temperature, owners: readonly [string, string], similarity: number): void {
    const pairs = this.of(model)?.pairs[temperature]
    if (pairs === undefined) return
    pairs.add(...owners, similarity)
    this.changed.set(nameOf(model, temperature), pairs)
  }

  /** Writes what has changed, when that was not done for a while. */
  remember(): void {
    const { system } = this.parts
    if (system.nowMs() - this.writtenMs >= trustMemoryEveryMs) this.flush()
  }

  flush(): void {
    const { keep, system } = this.parts
    this.writtenMs = system.nowMs()
    for (const [name, pairs] of this.changed) {
      keep({ write: 'trustMemory', row: { name, bookedMs: system.wallMs(), body: JSON.stringify(pairs.list()) } })
    }
    this.changed.clear()
  }

  private recall(name: string, body: string): void {
    const temperature = temperatures.find((one) => name.startsWith(nameOf('', one)))
    if (temperature === undefined) return
    const knowledge = this.of(name.slice(nameOf('', temperature).length))
    for (const { owners, similarity } of JSON.parse(body) as Pair[]) {
      const [one = '', other = ''] = owners.split('\n')
      knowledge?.pairs[temperature].add(one, other, similarity)
    }
  }
}

function nameOf(model: string, temperature: Temperature): string {
  return `${temperature} ${model}`
}
