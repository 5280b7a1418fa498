/**
 * Scrolls that become as large as they may: references, inputs, schemas, tasks; beside them some that once became
 * gigabytes and are refused.
 * `attacks.ts` lists these attacks.
 */
import { jsonNodesMax } from '../../../shared/limits/http.ts'
import { expansionBytesMax, nodeResultsBytesMax } from '../../../shared/limits/intents.ts'
import { contractNodesMax, jsonResultCharsMax, textReferencesMax } from '../../../shared/limits/planner.ts'
import { sleep } from '../../load/calls.ts'
import type { Attack, Site } from '../site/site.ts'
import type { Stranger, Task } from '../site/stranger.ts'

const model = 'hostile-scrolls'
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

/** JSON of so many bytes with many small values, of which `x` is the larger half and `k0`… the rest. */
function jsonOf(bytes: number): string {
  const item = '{"a":[1,2,3],"b":"text"},'
  const half = item.repeat(Math.floor(bytes / 2 / item.length))
  const fields = Array.from({ length: 64 }, (_, at) => `"k${at}":"${'y'.repeat(bytes / 2 / 64 - 16)}"`).join(',')
  return `{"x":[${half}0],${fields}}`
}

/** Four results of so many bytes, and nodes whose texts refer to them as often as they may. */
function readersOf(bytes: number, readers: number, field: (at: number) => string): string {
  const makers = ['a', 'b', 'c', 'd'].map((id) => ({ id, model, prompt: `make ${bytes}` }))
  const prompt = (maker: string) =>
    Array.from({ length: textReferencesMax }, (_, at) => `{{nodes.${maker}${field(at)}}}`).join('')
  const messages = makers.flatMap(({ id }) => [
    { role: 'user', content: prompt(id) },
    { role: 'user', content: prompt(id) },
  ])
  const nodes = Array.from({ length: readers }, (_, at) => ({ id: `r${at}`, model, messages }))
  return scroll([...makers, ...nodes], { result: 'r0' })
}

const references: Attack = {
  name: 'references',
  about: 'scrolls whose nodes refer 1,024 times to parts of 1 MB and to 6 MB of results, beside 12 MB and 19,200 times',
  leaves: true,
  async run(site) {
    const texts = new Map<number, string>()
    const onTask = (stranger: Stranger, task: Task) => {
      const asked = task.body === null ? '' : Buffer.from(task.body).toString()
      const bytes = Number(/make (\d+)/.exec(asked)?.[1] ?? 0)
      site.note(bytes > 0 ? 'results' : 'references')
      if (bytes > 0 && !texts.has(bytes)) texts.set(bytes, jsonOf(bytes))
      return stranger.say(task, texts.get(bytes) ?? 'ok')
    }
    // Two thirds of what a scout may send in a second go into one result, so several of them answer.
    await site.strangers(8, (at) => ({ name: `references-${at}`, models: [model], concurrency: 4, onTask }))
    const part = (at: number) => (at % 65 === 0 ? '.x' : `.k${(at % 65) - 1}`)
    const partly = readersOf(Math.floor(jsonResultCharsMax / 4) - 1_000, 12, part)
    const whole = readersOf(Math.floor((0.8 * nodeResultsBytesMax) / 4), 12, () => '')
    const tooMuch = readersOf(3_000_000, 12, part)
    const refused = scroll([
      { id: 'a', model, prompt: 'make 1000', output: { schema: { type: 'object' } } },
      { id: 'b', model, prompt: '{{nodes.a.x}}'.repeat(19_200) },
    ])
    const bodies = [partly, whole, tooMuch]
    let turn = 0
    void insist(site, () => bodies[turn++ % bodies.length]!)
    void insist(site, () => refused)
  },
}

const inputs: Attack = {
  name: 'inputs',
  about: 'a map that puts each part of a document of 3.5 MB into four places of a request; 128 nodes that are refused',
  leaves: true,
  async run(site) {
    const input = 'word '.repeat(inputChars / 5)
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('parts')
      return stranger.say(task, 'ok')
    }
    await site.strangers(2, (at) => ({ name: `inputs-${at}`, models: [model], onTask }))
    const plain = Array.from({ length: 128 }, (_, at) => ({ id: `n${at}`, model, prompt: '{{input}}' }))
    const end = { id: 'end', model, prompt: 'end', needs: plain.slice(0, 60).map(({ id }) => id) }
    const map = { split: { text: 'input', chars: Math.ceil(inputChars / 250) }, max: 256, join: ' ' }
    const places = '{{item}}'.repeat(Math.floor(expansionBytesMax / inputChars))
    const bodies = [
      scroll([{ id: 'm', model, prompt: places, map }], { input, result: 'm' }),
      scroll([...plain, end], { input, result: 'end' }),
    ]
    let turn = 0
    void insist(site, () => bodies[turn++ % 2]!)
  },
}

const schemas: Attack = {
  name: 'schemas',
  about:
    'requests with as many new schemas as fit, each as large as is allowed, and answers that are checked with them',
  leaves: true,
  async run(site) {
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('answers')
      return stranger.say(task, '{"p":1}')
    }
    await site.strangers(2, (at) => ({ name: `schemas-${at}`, models: [model], onTask }))
    let made = 0
    const properties = Math.floor(contractNodesMax / 3) - 4
    const schema = () => {
      const names = Array.from({ length: properties }, () => `p${made++}`)
      return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) }
    }
    // Each property is a name, an object, another name and a text.
    const count = Math.floor(jsonNodesMax / (4 * properties + 32))
    const nodes = () =>
      Array.from({ length: count }, (_, at) => ({ id: `n${at}`, model, prompt: 'x', output: { schema: schema() } }))
    void insist(site, () => scroll(nodes(), { result: 'n0' }))
  },
}

const queue: Attack = {
  name: 'queue',
  about: 'one key that fills its half of the durable queue with scrolls of 256 nodes',
  leaves: true,
  async run(site) {
    await site.stranger({ name: 'queue', models: [model], concurrency: 1 })
    const nodes = Array.from({ length: 256 }, (_, at) => ({ id: `n${at}`, model, prompt: 'x' }))
    site.loop(4, '/v1/intents', () => scroll(nodes, { result: 'n0' }))
  },
}

export const scrollAttacks = [references, inputs, schemas, queue]
