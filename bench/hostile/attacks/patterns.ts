/**
 * Regular expressions of a client's that take for ever, in the open and hidden where a schema may stand as data.
 * `attacks.ts` lists these attacks.
 */
import { contractNodesMax, patternParts, patternSizeMax, patternTextCharsMax } from '../../../shared/limits/planner.ts'
import { sleep } from '../../load/calls.ts'
import type { Attack } from '../site/site.ts'
import type { Stranger, Task } from '../site/stranger.ts'

const model = 'hostile-patterns'
const slow = '^(a+)+$'

/** As many instructions as a pattern may have, on as long a text, as often as a schema may hold patterns. */
const wide = `^(a{1,${Math.floor(patternSizeMax / 4)}}b?)*$`
const wideNames = Array.from({ length: Math.floor(contractNodesMax / patternParts) - 3 }, (_, at) => `w${at}`)
const longText = 'a'.repeat(patternTextCharsMax)

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
    { type: 'object', properties: Object.fromEntries(wideNames.map((name) => [name, { pattern: wide }])) },
  ]
}

const trap = `${'a'.repeat(40)}!`
const long = Object.fromEntries(wideNames.map((name) => [name, longText]))
const answer = JSON.stringify({ default: trap, const: trap, x: trap, ...long })

const patterns: Attack = {
  name: 'patterns',
  about:
    'a pattern that never ends in six places of a schema, the longest that are allowed, and answers that meet them',
  async run(site) {
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('answers')
      return stranger.say(task, answer)
    }
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
