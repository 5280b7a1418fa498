/**
 * A model service whose streams begin at once and go on when the test says so, for scouts in processes of their own:
 * what is to happen in the middle of an answer happens there, however long the rest of the machine takes.
 */
import { onTestFinished } from 'vitest'
import { chunk, events, startOpenAiStandIn } from './openai-stand-in.ts'

const heldPieces = { before: ['one ', 'two ', 'three '], after: ['four ', 'five'] }

/** Stops with the test. */
export function heldService() {
  const standIn = startOpenAiStandIn({ models: ['m'] })
  onTestFinished(() => standIn.stop())
  const held = Promise.withResolvers<void>()
  const answer = () =>
    events(async (send) => {
      await send(chunk({ role: 'assistant', content: '' }))
      for (const content of heldPieces.before) await send(chunk({ content }))
      await held.promise
      for (const content of heldPieces.after) await send(chunk({ content }))
      await send(`${chunk({}, 'stop')}data: [DONE]\n\n`)
    })
  return {
    /** Of a scout that has this provider and no other. */
    env: { PROVIDERS: 'vllm', VLLM_URL: standIn.baseURL },
    /** Holds the next `count` streams. Its scout has to be connected: it has asked for the models then. */
    hold(count: number) {
      for (let left = count; left > 0; left--) standIn.script(answer)
    },
    goOn: () => held.resolve(),
    /** How often it was asked for an answer. */
    asked: () => standIn.seen.filter(({ path }) => path.endsWith('/chat/completions')).length,
  }
}
