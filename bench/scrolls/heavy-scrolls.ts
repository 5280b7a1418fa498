/**
 * Scrolls that ask the planner for as much work as a body may: the largest that are legal, and those that fill a body
 * with one thing. The planner's tests count what it reads of them, `bench/micro/planner.bench.ts` times it.
 */
import { bodyBytesMax } from '../../shared/limits/wire.ts'

export interface HeavyScroll {
  what: string
  /** The scroll as it is sent. */
  json: string
  /** The place at fault; null for a scroll that is accepted. */
  param: string | null
  /** Refused for its length alone, before its entries are looked at. */
  isRefusedBySize: boolean
}

type Node = Record<string, unknown>

const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))
const node = (id: string, needs: string[] = [], fields: object = {}): Node => ({ id, needs, prompt: 'go', ...fields })

/** Each of `count` nodes needs the `width` nodes before it. */
export const ladder = (count: number, width: number): Node[] =>
  many(count, (at) =>
    node(
      `n${at}`,
      many(Math.min(at, width), (back) => `n${at - 1 - back}`),
    ),
  )

/** `count` nodes, each of which needs the next, and the last the first. */
export const ring = (count: number): Node[] => many(count, (at) => node(`n${at}`, [`n${(at + 1) % count}`]))

/** 64 layers of four, each node of which needs the four layers before: 3,936 needs. */
const dense = many(256, (at) => {
  const layer = Math.floor(at / 4)
  const from = Math.max(0, 4 * (layer - 4))
  return node(
    `n${at}`,
    many(4 * layer - from, (k) => `n${from + k}`),
  )
})

/** As often as it fits into a body. */
const filler = (item: string) => many(Math.floor((bodyBytesMax - 2000) / (item.length + 1)), () => item).join()
const long = 'a'.repeat(bodyBytesMax - 2000)
const keys = (count: number) => many(count, (at) => `"k_${at.toString(36)}":1`).join(',')
const withFields = (content: string) => `{"nodes":[{"id":"a",${content}}]}`
const wideRing = ring(256).map((one, at) => ({ ...one, needs: many(16, (k) => `n${(at + k + 1) % 256}`) }))
const fullNodes = many(256, (at) => node(`n${at}`, [], { prompt: 'x'.repeat(16_000) }))

const rows: [what: string, json: string, param: string | null][] = [
  ['the largest legal graph', JSON.stringify({ nodes: dense, result: 'n255' }), null],
  ['the largest legal requests', JSON.stringify({ nodes: fullNodes, result: 'n0' }), null],
  ['a circle of 256 with 4,096 needs', JSON.stringify({ nodes: wideRing }), 'scroll.nodes[0].needs[0]'],
  ['a chain of 256', JSON.stringify({ nodes: ladder(256, 1) }), 'scroll.nodes[64].needs'],
  ['two million nodes', `{"nodes":[${filler('1')}]}`, 'scroll.nodes'],
  ['a node with a million needs', withFields(`"needs":[${filler('"a"')}]`), 'scroll.nodes[0].needs'],
  ['an id of four million characters', `{"nodes":[{"id":"${long}"}]}`, 'scroll.nodes[0].id'],
  ['a need of four million characters', withFields(`"needs":["${long}"]`), 'scroll.nodes[0].needs[0]'],
  ['150,000 messages', withFields(`"messages":[${filler('{"role":"user","content":""}')}]`), null],
  ['380,000 tools', withFields(`"prompt":"x","tools":[${filler('{"type":""}')}]`), null],
  ['a million texts to embed', withFields(`"kind":"embed","input":[${filler('""')}]`), null],
  ['350,000 fields of a scroll', `{"nodes":[],${keys(350_000)}}`, 'scroll.k_0'],
  ['350,000 fields of a node', withFields(`"prompt":"x",${keys(350_000)}`), 'scroll.nodes[0]'],
  ['350,000 fields of a message', withFields(`"messages":[{"role":"user","content":"",${keys(350_000)}}]`), null],
  ['numbers that grow fivefold', withFields(`"prompt":"x","x":[${filler('1e20')}]`), 'scroll.nodes[0]'],
]

const refusedBySize = [
  'two million nodes',
  'a node with a million needs',
  'an id of four million characters',
  'a need of four million characters',
]

export const heavyScrolls: readonly HeavyScroll[] = rows.map(([what, json, param]) => ({
  ...{ what, json, param },
  isRefusedBySize: refusedBySize.includes(what),
}))
