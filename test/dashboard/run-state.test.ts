/** What the run view makes of events: states, texts, and a graph that stays small and still. */
import { describe, expect, test } from 'vitest'
import { boxesMax, boxesOf, countsText, stateOf } from '../../orchestrator/dashboard/page/run/groups.ts'
import { layOut } from '../../orchestrator/dashboard/page/run/layout.ts'
import { RunState } from '../../orchestrator/dashboard/page/run/run-state.ts'

const planned = (nodes: [string, string[]][]) => ({
  at_ms: 1_000,
  nodes: nodes.map(([node, needs]) => ({ node, model: 'm', needs })),
})

function runOf(nodes: [string, string[]][]): RunState {
  const run = new RunState()
  run.apply('planned', planned(nodes), 0)
  return run
}

const fanOut = (width: number): [string, string[]][] => [
  ['split', []],
  ...Array.from({ length: width }, (_, at): [string, string[]] => [`part.${at}`, ['split']]),
  ['join', Array.from({ length: width }, (_, at) => `part.${at}`)],
]

describe('a run', () => {
  test('knows each node from its events: state, times, who served, tokens, text', () => {
    const run = runOf([['a', []]])
    run.apply('task_started', { at_ms: 1_500, node: 'a', attempt: 1, scout: 'key_1/ant' }, 0)
    for (const content of ['Hel', 'lo']) run.apply('chunk', { node: 'a', choices: [{ delta: { content } }] }, 0)
    expect(run.nodes.get('a')).toMatchObject({ state: 'running', scout: 'ant', text: 'Hello', beganMs: 1_500 })
    const usage = { promptTokens: 3, completionTokens: 2 }
    run.apply(
      'task_settled',
      { at_ms: 2_000, node: 'a', state: 'done', served: { scout: 'k/bee', model: 'm' }, usage, microDollars: 7 },
      0,
    )
    run.apply('done', { at_ms: 2_001, state: 'done' }, 0)
    const settled = { state: 'done', scout: 'bee', endedMs: 2_000, completionTokens: 2, microDollars: 7 }
    expect(run.nodes.get('a')).toMatchObject(settled)
    expect([run.endState, run.startedMs, run.endedMs]).toEqual(['done', 1_000, 2_001])
  })

  test('drops the text of an attempt that was reset, and keeps a bounded end of a long one', () => {
    const run = runOf([['a', []]])
    run.apply('task_started', { node: 'a', attempt: 1, scout: 's' }, 0)
    run.apply('chunk', { node: 'a', choices: [{ delta: { content: 'x' } }] }, 0)
    run.apply('attempt_reset', { node: 'a', attempt: 1 }, 0)
    expect(run.nodes.get('a')).toMatchObject({ state: 'waiting', text: '' })
    for (let at = 0; at < 100; at++)
      run.apply('chunk', { node: 'a', choices: [{ delta: { content: 'y'.repeat(1_000) } }] }, 0)
    expect(run.nodes.get('a')!.text.length).toBe(60_000)
  })

  test('goes on after a retry', () => {
    const run = runOf([['a', []]])
    run.apply('task_settled', { node: 'a', state: 'failed', fault: { message: 'It broke.' } }, 0)
    run.apply('done', { state: 'failed', fault: { message: 'It broke.' } }, 0)
    run.apply('retried', { node: 'a', nodes: ['a'] } as never, 5)
    expect([run.endState, run.nodes.get('a')!.state, run.nodes.get('a')!.problem]).toEqual([null, 'waiting', null])
  })

  test('ignores nodes and events that it does not know', () => {
    const run = runOf([['a', []]])
    run.apply('task_started', { node: '__proto__' }, 0)
    run.apply('unheard_of', {}, 0)
    expect([...run.nodes.keys()]).toEqual(['a'])
  })
})

describe('the graph', () => {
  test('shows 1,024 siblings as one box, with how many of them are done and failed', () => {
    const run = runOf(fanOut(1_022))
    for (let at = 0; at < 10; at++)
      run.apply('task_settled', { node: `part.${at}`, state: at < 8 ? 'done' : 'failed' }, 0)
    const boxes = boxesOf(run.nodes)!
    expect(boxes.map(({ nodes }) => nodes.length)).toEqual([1, 1_022, 1])
    expect(boxes.length).toBeLessThanOrEqual(boxesMax)
    expect(countsText(boxes[1]!)).toBe('8 of 1022 done, 2 failed')
    expect(stateOf(boxes[1]!)).toBe('failed')
    expect(boxes[2]!.needs).toEqual([boxes[1]!.id])
  })

  test('is laid out anew when nodes join, and not when states change', () => {
    const run = runOf(fanOut(64))
    const { shape } = run
    for (let at = 0; at < 64; at++) {
      run.apply('task_started', { node: `part.${at}`, attempt: 1, scout: 's' }, 0)
      run.apply('chunk', { node: `part.${at}`, choices: [{ delta: { content: 'x' } }] }, 0)
      run.apply('task_settled', { node: `part.${at}`, state: 'done' }, 0)
    }
    expect(run.shape).toBe(shape)
    run.apply('task_grown', { node: 'join', nodes: [{ node: 'more', model: 'm', needs: [] }] }, 0)
    expect(run.shape).toBe(shape + 1)
    expect(boxesOf(run.nodes)!.find(({ id }) => id === 'more')!.needs).toEqual(['join'])
  })

  test('becomes a list when even families are too many', () => {
    const chain = Array.from({ length: boxesMax + 1 }, (_, at): [string, string[]] => [
      `n${at}`,
      at ? [`n${at - 1}`] : [],
    ])
    expect(boxesOf(runOf(chain).nodes)).toBeNull()
    expect(boxesOf(runOf(chain.slice(0, boxesMax)).nodes)).toHaveLength(boxesMax)
  })

  test('has a place for every box and a line for every need, one below the other', () => {
    const boxes = boxesOf(
      runOf([
        ['a', []],
        ['b', ['a']],
        ['c', ['a', 'b']],
      ]).nodes,
    )!
    const { places, edges, width, height } = layOut(boxes)
    expect(edges.map(({ from, to }) => from + to).sort()).toEqual(['ab', 'ac', 'bc'])
    expect(places.get('a')!.y).toBeLessThan(places.get('b')!.y)
    for (const { x, y } of places.values()) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(x).toBeLessThan(width)
      expect(y).toBeLessThan(height)
    }
  })
})
