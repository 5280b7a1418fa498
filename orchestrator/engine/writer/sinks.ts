/**
 * Where the answer of a task goes: to the relay of a client that waits, or into the store as part of an intent. One
 * place to look a task up for the scouts' side and for the effects.
 */
import type { AnswerSink } from '../answers/answer-sink.ts'
import type { Relays } from '../answers/relays.ts'
import type { DurableIntents } from '../intents/intents.ts'

export class Sinks {
  constructor(
    private readonly relays: Relays,
    private readonly intents: DurableIntents,
  ) {}

  get(task: number): AnswerSink | undefined {
    return this.relays.get(task) ?? this.intents.sink(task)
  }
}
