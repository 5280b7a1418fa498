/** Three hubs of one network over the models of bus and log, and what tests ask of them again and again. */
import { type EngineHub, EngineNetwork } from './engine-network.ts'

export const hubNames = ['alpha', 'beta', 'gamma']

/** Three hubs that know each other. */
export async function three() {
  const stage = new EngineNetwork(hubNames)
  await stage.until('all to be here', () => hubNames.every((name) => stage.hub(name).network.counts().here === 2))
  const [a, b, c] = hubNames.map((name) => stage.hub(name)) as [EngineHub, EngineHub, EngineHub]
  return { stage, a, b, c }
}

/** The id of an intent that was accepted. */
export async function accepted(
  stage: EngineNetwork,
  hub: EngineHub,
  drawing: Record<string, string[]> = { answer: [] },
) {
  let id = ''
  void hub.bench.accepted(drawing).then((given) => {
    id = given
  })
  await stage.until('the intent to be accepted', () => id !== '')
  return id
}

/** Hubs that work on it now. */
export function workers(stage: EngineNetwork, id: string): string[] {
  return [...stage.hubs.values()]
    .filter(({ bench }) => bench.engine.core.state.intents.has(id))
    .map(({ hub }) => hub.name)
}

/** Lets whoever has it answer its one task. */
export async function finishAt(stage: EngineNetwork, hub: EngineHub): Promise<void> {
  const { bench } = hub
  bench.join(['m'], 1)
  await stage.until('the lease', () => bench.sent.some(({ frame }) => frame.type === 'task'))
  bench.finish(bench.work(), 'hello')
}
