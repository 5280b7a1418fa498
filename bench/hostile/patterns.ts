/**
 * Regular expressions of a client's that take for ever, in the open and hidden where a schema may stand as data.
 * `hostile.ts` runs these attacks.
 */
import { sleep } from '../load/calls.ts'
import type { Attack } from './site.ts'
import type { Stranger, Task } from './stranger.ts'

const model = 'hostile-patterns'
const slow = '^(a+)+$'
const answer = JSON.stringify({ default: `${'a'.repeat(40)}!`, const: `${'a'.repeat(40)}!`, x: `${'a'.repeat(40)}!` })

/** The same pattern, each time somewhere else. */
function hidden(): object[] {
  const inside = (name: string) => ({ properties: { [name]: { pattern: slow } } })
  return [
    { type: 'object', ...inside('x') },
    { type: 'object', dependencies: { default: inside('default') } },
    { type: 'object', dependencies: { const: inside('const') } },
    { type: 'object', dependentSchemas: { default: inside('default') } },
    { type: 'object', $defs: { $defs: inside('x') }, allOf: [{ $ref: '#/$defs/$defs' }] },
    { type: 'object', properties: { default: { pattern: slow } } },
  ]
}

const patterns: Attack = {
  name: 'patterns',
  about: 'schemas with a pattern that never ends, in six places, and answers that meet it',
  async run(site) {
    const onTask = (stranger: Stranger, task: Task) => stranger.say(task, answer)
    await site.stranger({ name: 'patterns', models: [model], onTask })
    const schemas = hidden()
    const post = async () => {
      for (let at = 0; !site.isOver; at++) {
        const output = { schema: schemas[at % schemas.length] }
        await site.ask('/v1/intents', JSON.stringify({ scroll: { nodes: [{ id: 'n', model, prompt: 'x', output }] } }))
        await sleep(200)
      }
    }
    void post()
  },
}

export const patternAttacks = [patterns]
