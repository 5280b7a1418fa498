import { expect, test } from 'vitest'
import { ScrollTree } from '../../orchestrator/commands/intent/intent-tree.ts'

function expanded(children: number) {
  const tree = new ScrollTree()
  const nodes = Array.from({ length: children }, (_, at) => ({ node: `map.${at + 1}`, model: 'm' }))
  const lines = [
    tree.add('planned', { nodes: [{ node: 'map', model: 'map' }] }, 0),
    tree.add('task_grown', { node: 'map', nodes, note: 'Because.' }, 1_000),
    tree.add('task_started', { node: 'map.1', scout: 'key_1/ant' }, 1_000),
  ]
  return { tree, lines }
}

test('a scroll is drawn as a tree with state, time, tokens and scout, no wider than asked', () => {
  const { tree, lines } = expanded(2)
  const usage = { promptTokens: 3, completionTokens: 4 }
  lines.push(tree.add('task_settled', { node: 'map.1', state: 'done', usage, served: { scout: 'key_1/ant' } }, 3_500))
  expect(lines).toEqual([
    'planned: map',
    'map grows: map.1, map.2 (Because.)',
    'map.1 runs at ant',
    'map.1 done at ant, 7 tokens',
  ])
  expect(tree.draw(4_000, 120).map((line) => line.replace(/\s+/g, ' '))).toEqual([
    'map runs 3.0 s 7 map',
    ' map.1 done 2.5 s 7 ant',
    ' map.2 waits m',
  ])
  expect(tree.draw(4_000, 20).every((line) => line.length <= 20)).toBe(true)
})

test('of many children only their count is drawn', () => {
  expect(expanded(50).tree.draw(2_000, 120).at(-1)).toBe('  50 nodes: 1 runs, 49 waits')
})

test('a fault is told with its cause, and what is unknown is passed over', () => {
  const { tree } = expanded(1)
  const told = { node: 'map.1', state: 'failed', fault: { message: 'It broke.' } }
  expect(tree.add('task_settled', told, 5)).toBe('map.1 failed at ant: It broke.')
  expect(tree.add('task_started', { node: 'stranger' }, 5)).toBeNull()
  expect(tree.add('whatever', {}, 5)).toBeNull()
})
