import { describe, expect, test } from 'vitest'
import { closeRow, closeTable, mayReconnect } from '../../shared/protocol/close-codes.ts'
import { type FrameType, frameTable } from '../../shared/protocol/frames.ts'
import { hubAccepts, hubPhaseMoves, scoutAccepts, scoutPhaseMoves } from '../../shared/protocol/phases.ts'
import { frameTypes } from '../support/wire/frames.ts'

const sides = [
  { side: 'the hub', hears: 'scout', accepts: hubAccepts, moves: hubPhaseMoves, start: 'greeting', end: 'closed' },
  { side: 'a scout', hears: 'hub', accepts: scoutAccepts, moves: scoutPhaseMoves, start: 'waiting', end: 'stopped' },
] as const

describe.each(sides)('phases of $side', ({ hears, accepts, moves, start, end }) => {
  const table: Readonly<Record<string, readonly string[]>> = moves
  const phases = Object.keys(table)
  const heard: Readonly<Record<string, readonly FrameType[]>> = accepts

  test('every frame that the other side sends is heard in some phase, and no other frame in any', () => {
    const sent = frameTypes.filter((type) => [hears, 'both'].includes(frameTable[type].from))
    expect([...new Set(Object.values(heard).flat())].sort()).toEqual(sent.sort())
  })

  test('every phase says what it hears and where it leads, once', () => {
    expect(Object.keys(heard)).toEqual(phases)
    for (const phase of phases) {
      expect(new Set(heard[phase]).size).toBe(heard[phase]!.length)
      for (const next of table[phase]!) expect(phases).toContain(next)
      expect(table[phase]).not.toContain(phase)
    }
  })

  test('every phase can be reached, and every one can come to its end', () => {
    const reachable = (from: string): Set<string> => {
      const seen = new Set([from])
      for (const phase of seen) for (const next of table[phase]!) seen.add(next)
      return seen
    }
    expect([...reachable(start)].sort()).toEqual([...phases].sort())
    for (const phase of phases) expect(reachable(phase)).toContain(end)
    expect(table[end]).toEqual([])
    expect(heard[end]).toEqual([])
  })
})

describe('close codes', () => {
  const rows = Object.entries(closeTable)

  test('codes are unique and in the range that applications may use', () => {
    const codes = rows.map(([, row]) => row.code)
    expect(new Set<number>(codes).size).toBe(codes.length)
    for (const code of codes) expect(code >= 4400 && code <= 4599).toBe(true)
  })

  test('a row is found by its code, and foreign codes have none', () => {
    for (const [, row] of rows) expect(closeRow(row.code)).toBe(row)
    for (const code of [1000, 1006, 4000, 4999]) expect(closeRow(code)).toBeUndefined()
  })

  test('the range says whether a scout may dial again', () => {
    for (const [name, row] of rows) {
      expect(mayReconnect(row.code), name).toBe(!['keyRevoked', 'versionUnsupported', 'banned'].includes(name))
    }
    for (const code of [1000, 1001, 1006, 1009, 1012, 4000, 4499, 5000]) expect(mayReconnect(code)).toBe(true)
    for (const code of [4500, 4999]) expect(mayReconnect(code)).toBe(false)
  })

  test('every meaning fits into a close frame', () => {
    for (const [, row] of rows) expect(Buffer.byteLength(row.meaning)).toBeLessThanOrEqual(123)
  })
})
