/**
 * Whether what a service said about one request is true of the model, or of the account. A 404 can mean a model that is
 * gone or a feature that it lacks, a 402 an empty account or one request that costs too much, and what is believed
 * takes the model or the provider from everyone. So nothing is believed before the service repeats it: its list or its
 * key check is asked, then the smallest request there is. Called by `service-provider.ts` with every such fault.
 */
import { type Fault, fault, faultTable } from '../../../shared/faults.ts'
import { providerProvenMs } from '../../../shared/limits/provider.ts'
import { offersMax } from '../../../shared/limits/wire.ts'
import type { System } from '../../../shared/system.ts'
import type { TaskKind } from '../../../shared/task.ts'

/** What the service itself is asked. Each answers with the fault it met, or null when all is well. */
export interface Questions {
  /** Whether its list, or the address where it checks a key, takes the key; `not_offered` when the model is not in it. */
  listed(model: string): Promise<Fault | null>
  /** The smallest request for this model. */
  smallest(kind: TaskKind, model: string): Promise<Fault | null>
}

export function isDoubtful({ code }: Fault): boolean {
  return code === 'not_offered' || code === 'provider_unauthorized'
}

export class Doubts {
  /** Questions under way, so that many failing requests ask once. */
  readonly #open = new Map<string, Promise<Fault | null>>()
  /** Until when a model is not doubted again. */
  readonly #provenMs = new Map<string, number>()

  constructor(
    private readonly system: System,
    private readonly questions: Questions,
  ) {}

  /** The fault to report: `doubtful` when it is confirmed, else that of this one request, with the service's `reason`. */
  async settle(doubtful: Fault, kind: TaskKind, model: string, reason: string): Promise<Fault> {
    const about = `${kind} ${model}`
    const ofRequest = fault('invalid_request', reason)
    if ((this.#provenMs.get(about) ?? 0) > this.system.nowMs()) return ofRequest
    let open = this.#open.get(about)
    if (open === undefined) {
      open = this.#ask(kind, model).finally(() => this.#open.delete(about))
      this.#open.set(about, open)
    }
    const found = await open
    if (found === null) {
      this.#prove(about)
      return ofRequest
    }
    if (found.code === doubtful.code) return doubtful
    if (isDoubtful(found)) return found
    // The service could not be asked just now: nothing is withdrawn, and another scout may know better.
    return fault('provider_unavailable', reason)
  }

  async #ask(kind: TaskKind, model: string): Promise<Fault | null> {
    const listed = await this.questions.listed(model)
    if (listed !== null && isDoubtful(listed)) return listed
    const smallest = await this.questions.smallest(kind, model)
    // Where the smallest request is refused for what it is, the service takes the key and knows the model.
    if (smallest === null || faultTable[smallest.code].blame === 'client') return null
    return smallest
  }

  #prove(about: string): void {
    this.#provenMs.delete(about)
    this.#provenMs.set(about, this.system.nowMs() + providerProvenMs)
    if (this.#provenMs.size > offersMax) this.#provenMs.delete(this.#provenMs.keys().next().value!)
  }
}
