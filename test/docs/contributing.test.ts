/** CONTRIBUTING.md leads newcomers through the tree: every file and folder that it names has to be there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const guide = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
const ways = guide.slice(guide.indexOf('### The ways through the tree'), guide.indexOf('## Habits'))

/** The ways leave out the side where it is clear. */
function isThere(path: string): boolean {
  return ['', 'orchestrator'].some((side) => existsSync(join(root, side, path)))
}

describe('the ways through the tree', () => {
  const steps = [...ways.matchAll(/^\d+\..*?`([^`]+)`/gm)].map((match) => match[1]!)

  test('are three, with steps numbered in order', () => {
    const numbers = [...ways.matchAll(/^(\d+)\. /gm)].map((match) => Number(match[1]))
    expect(numbers.filter((number) => number === 1)).toHaveLength(3)
    for (const [at, number] of numbers.entries()) if (number !== 1) expect(number).toBe(numbers[at - 1]! + 1)
  })

  test('name files that exist', () => {
    expect(steps.length).toBeGreaterThan(60)
    expect(steps.filter((path) => path.endsWith('.ts') && !isThere(path))).toEqual([])
  })
})
