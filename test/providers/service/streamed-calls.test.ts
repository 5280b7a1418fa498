/** Tool calls as services stream them: whatever is left out or repeated, two calls come out as two calls. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { localService } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../../shared/system.ts'
import {
  chunk,
  events,
  identity,
  type OpenAiStandIn,
  startOpenAiStandIn,
} from '../../support/providers/openai-stand-in.ts'
import { ask, type Json } from '../../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
let provider: ServiceProvider
beforeAll(() => {
  standIn = startOpenAiStandIn()
})
beforeEach(() => {
  provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], realSystem())
})
afterAll(() => standIn.stop())

const wanted = [
  ['weather', '{"city":"Oslo"}'],
  ['weather', '{"city":"Rome"}'],
]

interface Piece {
  call: number
  name: string
  args: string
  first: boolean
}

/** Each call in three pieces: its head, and its arguments in two. */
const pieces: Piece[] = wanted.flatMap(([name, args], call) => [
  { call, name: name!, args: '', first: true },
  { call, name: name!, args: args!.slice(0, 6), first: false },
  { call, name: name!, args: args!.slice(6), first: false },
])
const whole: Piece[] = wanted.map(([name, args], call) => ({ call, name: name!, args: args!, first: true }))
const usual = ({ call, name, args, first }: Piece): Json =>
  first
    ? { index: call, id: `call_${call}`, type: 'function', function: { name, arguments: args } }
    : { index: call, function: { arguments: args } }
const without = (piece: Json, ...fields: string[]) =>
  Object.fromEntries(Object.entries(piece).filter(([field]) => !fields.includes(field)))

/** Says the pieces one chunk each, and puts together what comes as a strict client does. */
async function called(deltas: Json[][]): Promise<Json[]> {
  standIn.script(() =>
    events(async (send) => {
      for (const calls of deltas) await send(chunk({ tool_calls: calls }))
      await send(`${chunk({}, 'tool_calls')}data: [DONE]\n\n`)
    }),
  )
  const { lines } = await ask(provider, { messages: [{ role: 'user', content: 'x' }] }, { stream: true })
  const calls: Json[] = []
  for (const piece of lines.flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])) {
    expect(piece.index).toBeTypeOf('number')
    const known = calls[piece.index]
    if (known === undefined) {
      expect([typeof piece.id, piece.type]).toEqual(['string', 'function'])
      calls[piece.index] = { id: piece.id, name: piece.function.name, args: piece.function.arguments }
    } else {
      // A client that appends every field would double what is repeated.
      expect([piece.id, piece.type, piece.function.name]).toEqual([undefined, undefined, undefined])
      known.args += piece.function.arguments
    }
  }
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length)
  return calls.map(({ name, args }) => [name, args])
}

const one = (all: Piece[], change: (piece: Piece) => Json) => all.map((piece) => [change(piece)])
let random = 0

describe('two calls come out as two calls with their own arguments', () => {
  test.each<[string, () => Json[][]]>([
    ['as OpenAI streams them', () => one(pieces, usual)],
    ['without an index', () => one(pieces, (piece) => without(usual(piece), 'index'))],
    ['without an id', () => one(pieces, (piece) => without(usual(piece), 'id'))],
    ['without index, id and type', () => one(pieces, (piece) => without(usual(piece), 'index', 'id', 'type'))],
    ['with the index null', () => one(pieces, (piece) => ({ ...usual(piece), index: null }))],
    ['with an empty id', () => one(pieces, (piece) => ({ ...usual(piece), id: '' }))],
    [
      'with a number as id',
      () => one(pieces, (piece) => ({ ...usual(piece), ...(piece.first && { id: piece.call }) })),
    ],
    ['with the index as text', () => one(pieces, (piece) => ({ ...usual(piece), index: String(piece.call) }))],
    ['numbered from 1', () => one(pieces, (piece) => ({ ...usual(piece), index: piece.call + 1 }))],
    ['all numbered 0', () => one(pieces, (piece) => ({ ...usual(piece), index: 0 }))],
    ['all numbered 0 without ids', () => one(pieces, (piece) => ({ ...without(usual(piece), 'id'), index: 0 }))],
    ['with id, type and name in every piece', () => one(pieces, (piece) => ({ ...usual({ ...piece, first: true }) }))],
    [
      'with id and name in every piece and no index',
      () => one(pieces, (piece) => without(usual({ ...piece, first: true }), 'index')),
    ],
    [
      'with the name in every piece and neither index nor id',
      () => one(pieces, (piece) => without(usual({ ...piece, first: true }), 'index', 'id')),
    ],
    [
      'with another id in every piece',
      () => one(pieces, (piece) => ({ ...usual({ ...piece, first: true }), id: `random-${random++}` })),
    ],
    [
      'with another id in every piece and no name after the first',
      () => one(pieces, (piece) => ({ ...without(usual(piece), 'index'), id: `random-${random++}` })),
    ],
    ['under one id', () => one(whole, (piece) => ({ ...usual(piece), id: 'call_0' }))],
    ['under one id and number', () => one(whole, (piece) => ({ ...usual(piece), id: 'call_0', index: 0 }))],
    ['whole, without index and id', () => one(whole, (piece) => without(usual(piece), 'index', 'id'))],
    ['in one delta without indices', () => [whole.map((piece) => without(usual(piece), 'index', 'id'))]],
    [
      'in turns',
      () =>
        one(
          [0, 3, 1, 4, 2, 5].map((at) => pieces[at]!),
          usual,
        ),
    ],
    [
      'with arguments as objects',
      () =>
        one(whole, (piece) => ({ ...usual(piece), function: { name: piece.name, arguments: JSON.parse(piece.args) } })),
    ],
  ])('%s', async (_what, deltas) => {
    expect(await called(deltas())).toEqual(wanted)
  })

  test('a name that comes after the id is passed on once', async () => {
    const late = [
      { index: 0, id: 'a', function: {} },
      { index: 0, function: { name: 'now' } },
      { index: 0, function: { name: 'now', arguments: '{}' } },
    ]
    standIn.script(() =>
      events(async (send) => {
        for (const call of late) await send(chunk({ tool_calls: [call] }))
        await send(chunk({}, 'tool_calls'))
      }),
    )
    const { lines } = await ask(provider, { messages: [] }, { stream: true })
    const sent = lines.flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])
    expect(sent.map(({ function: said }) => said)).toEqual([
      { name: '', arguments: '' },
      { name: 'now', arguments: '' },
      { arguments: '{}' },
    ])
  })

  test('in a whole answer, too', async () => {
    const calls = [
      { function: { name: 'a', arguments: { x: 1 } } },
      { id: 7, name: 'b', arguments: '{}' },
      { id: 7, function: { name: 'c' } },
    ]
    const choices = [{ message: { content: null, tool_calls: calls }, finish_reason: null }]
    standIn.script(() => Response.json({ ...identity, choices }))
    const { answer } = await ask(provider, { messages: [] })
    const [{ message, finish_reason }] = answer.choices
    expect([message.role, finish_reason]).toEqual(['assistant', 'tool_calls'])
    const made = message.tool_calls
    expect(made.map((call: Json) => [call.type, call.function.name, call.function.arguments])).toEqual([
      ['function', 'a', '{"x":1}'],
      ['function', 'b', '{}'],
      ['function', 'c', ''],
    ])
    expect(new Set(made.map(({ id }: Json) => id)).size).toBe(3)
    expect(made[1].id).toBe('7')
  })
})
