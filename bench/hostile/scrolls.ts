/**
 * Scrolls of a few kilobytes or megabytes that would become gigabytes: references, inputs, schemas, tasks.
 * `hostile.ts` runs these attacks.
 */
import { sleep } from '../load/calls.ts'
import type { Attack, Site } from './site.ts'
import type { Stranger, Task } from './stranger.ts'

const model = 'hostile-scrolls'
const kib = 2 ** 10
const resultChars = 250 * kib
const inputChars = 3_500_000

interface Node {
  id: string
  [field: string]: unknown
}

function scroll(nodes: Node[], more: object = {}): string {
  return JSON.stringify({ scroll: { nodes, ...more } })
}

/** Posts it again and again, a few times a second at most. */
async function insist(site: Site, body: () => string, pauseMs = 500): Promise<void> {
  while (!site.isOver) {
    await site.ask('/v1/intents', body())
    await sleep(pauseMs)
  }
}

const references: Attack = {
  name: 'references',
  about: 'a node with 19,200 references into a result of 250 KB',
  async run(site) {
    const text = JSON.stringify({ x: 'y'.repeat(resultChars) })
    const onTask = (stranger: Stranger, task: Task) => stranger.say(task, text)
    await site.stranger({ name: 'references', models: [model], onTask })
    const schema = { type: 'object' }
    const nodes = [
      { id: 'a', model, prompt: 'make', output: { schema } },
      { id: 'b', model, prompt: '{{nodes.a.x}}'.repeat(19_200) },
    ]
    void insist(site, () => scroll(nodes))
  },
}

const inputs: Attack = {
  name: 'inputs',
  about: 'an input of 3.5 MB in 128 nodes, and in 48 maps that split it',
  async run(site) {
    const input = 'word '.repeat(inputChars / 5)
    const plain = Array.from({ length: 128 }, (_, at) => ({ id: `n${at}`, model, prompt: '{{input}}' }))
    const end = { id: 'end', model, prompt: 'end', needs: plain.slice(0, 60).map(({ id }) => id) }
    const map = { split: { text: '{{input}}' }, max: 256, join: ' ' }
    const maps = Array.from({ length: 48 }, (_, at) => ({ id: `m${at}`, model, prompt: '{{item}}', map }))
    const bodies = [scroll([...plain, end], { input, result: 'end' }), scroll(maps, { input, result: 'm0' })]
    let turn = 0
    void insist(site, () => bodies[turn++ % 2]!)
  },
}

const schemas: Attack = {
  name: 'schemas',
  about: 'requests with 200 schemas that nobody has seen before',
  async run(site) {
    let made = 0
    const schema = () => {
      const names = Array.from({ length: 60 }, () => `p${made++}`)
      return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) }
    }
    const nodes = () =>
      Array.from({ length: 200 }, (_, at) => ({ id: `n${at}`, model, prompt: 'x', output: { schema: schema() } }))
    void insist(site, () => scroll(nodes(), { result: 'n0' }))
  },
}

const queue: Attack = {
  name: 'queue',
  about: 'one key that fills the durable queue with scrolls of 256 nodes',
  async run(site) {
    await site.stranger({ name: 'queue', models: [model], concurrency: 1 })
    const nodes = Array.from({ length: 256 }, (_, at) => ({ id: `n${at}`, model, prompt: 'x' }))
    site.loop(4, '/v1/intents', () => scroll(nodes, { result: 'n0' }))
  },
}

export const scrollAttacks = [references, inputs, schemas, queue]
