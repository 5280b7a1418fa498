/** Receipts of tasks between hubs that wait for their other half: how many there may be, and which do not wait. */
import { describe, expect, test } from 'vitest'
import { type Acknowledgement, type Claim, Halves } from '../../../orchestrator/ledger/network/halves.ts'
import { halvesGivenUpAtOnce, halvesMax } from '../../../shared/limits/cluster/ledger.ts'

const atMs = 1_764_000_000_000
const price = { prompt: 1_000_000, answer: 1_000_000 }

function halvesOf(task: number, points = 100): { claim: Claim; acknowledgement: Acknowledgement } {
  const half = { asker: 'alpha', home: 'beta', task, attempt: 1, atMs, sealedMs: atMs }
  return {
    claim: { ...half, operator: 'key_ant', season: '2025-11', points, price },
    acknowledgement: { ...half, promptUnits: 60, answerUnits: 60, isVoid: false },
  }
}

describe('halves of tasks between hubs', () => {
  test('beyond the bound the oldest are given up, many at once, and said to be lost', () => {
    const halves = new Halves()
    for (let task = 1; task <= halvesMax; task++) halves.acknowledge(halvesOf(task).acknowledgement)
    expect([halves.size, halves.lost]).toEqual([halvesMax, 0])
    halves.acknowledge(halvesOf(halvesMax + 1).acknowledgement)
    expect([halves.size, halves.lost]).toEqual([halvesMax + 1 - halvesGivenUpAtOnce, halvesGivenUpAtOnce])
    expect(halves.claim(halvesOf(halvesGivenUpAtOnce).claim)).toBeNull()
    expect(halves.claim(halvesOf(halvesGivenUpAtOnce + 1).claim)).toMatchObject({ points: 100 })
  })

  test('of a task that earns nothing, neither waits once both are there', () => {
    const halves = new Halves()
    const { claim, acknowledgement } = halvesOf(1, 0)
    expect([halves.acknowledge(acknowledgement), halves.claim(claim)]).toEqual([null, null])
    expect([halves.claim(claim), halves.acknowledge(acknowledgement)]).toEqual([null, null])
    expect(halves.size).toBe(0)
  })
})
