import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { faultTable, isReportable } from '../../shared/faults.ts'
import { closeTable, mayReconnect } from '../../shared/protocol/close-codes.ts'
import type { Field } from '../../shared/protocol/fields.ts'
import { frameTable, nonceBytes, protocolVersion, scoutPath, subprotocol } from '../../shared/protocol/frames.ts'
import { hubAccepts, hubPhaseMoves, scoutAccepts, scoutPhaseMoves } from '../../shared/protocol/phases.ts'
import { reservedFields } from '../../shared/protocol/reserved-fields.ts'
import { heldVerdicts, outcomes } from '../../shared/task.ts'
import { limits } from '../support/law/all-limits.ts'
import { fieldsOf, frameTypes } from '../support/wire/frames.ts'

const document = readFileSync(new URL('../../shared/protocol/PROTOCOL.md', import.meta.url), 'utf8')

/** The rows of the first table at or after `start` whose first heading is `heading`. */
function tableAt(heading: string, start = 0): string[][] {
  const lines = document.slice(start).split('\n')
  const head = lines.findIndex((line, i) => line.startsWith(`| ${heading} |`) && lines[i + 1]!.startsWith('|--'))
  expect(head, `no table headed "${heading}"`).toBeGreaterThanOrEqual(0)
  const rows = lines.slice(head + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end === -1 ? undefined : end).map((line) => {
    return line
      .slice(1, line.lastIndexOf('|'))
      .split('|')
      .map((cell) => cell.trim())
  })
}

/** A list of words in a cell, sorted. */
function words(cell: string): string[] {
  return cell === '' ? [] : cell.split(', ').sort()
}

/** A field's type as the document writes it; a list's members are compared by number only. */
function typeOf({ wants }: Field<unknown>): string {
  const rules: [pattern: RegExp, type: (bound: string, members: string) => string][] = [
    [/^a whole number from 0 to 9007199254740991$/, () => 'count'],
    [/^a whole number from 0 to 9007199254740991, or null, or absent$/, () => 'count, or null, or absent'],
    [/^text of at most (\d+) .*, or null, or absent$/, (bound) => `text <= ${bound}, or null, or absent`],
    [/^text of at most (\d+) .*, or absent$/, (bound) => `text <= ${bound}, or absent`],
    [/^a whole number from 0 to (\d+)$/, (bound) => `count <= ${bound}`],
    [/^true or false$/, () => 'bool'],
    [/^text of at most (\d+) /, (bound) => `text <= ${bound}`],
    [/^1 to (\d+) characters/, (bound) => `name <= ${bound}`],
    [/^(one of .*)$/, (whole) => whole],
    [/^at most (\d+) bytes, or null$/, (bound) => `bytes <= ${bound} or null`],
    [/^at most (\d+) bytes$/, (bound) => `bytes <= ${bound}`],
    [/^exactly (\d+) bytes$/, (bound) => `bytes = ${bound}`],
    [/^exactly (\d+) bytes, or null, or absent$/, (bound) => `bytes = ${bound} or null, or absent`],
    [
      /^a list of at most (\d+) lists of (\d+) .* or absent$/,
      (bound, members) => `list <= ${bound} of ${members}, or absent`,
    ],
    [/^a list of at most (\d+) lists of (\d+) /, (bound, members) => `list <= ${bound} of ${members}`],
  ]
  for (const [pattern, type] of rules) {
    const found = pattern.exec(wants)
    if (found !== null) return type(found[1] ?? '', found[2] ?? '')
  }
  throw new Error(`the document has no word for: ${wants}`)
}

/** The document's type with a list's members counted, as `typeOf` gives it. */
function documented(cell: string): string {
  const type = cell.replaceAll('`', '')
  return type.replace(/ of \[(.*?)\]/, (_, members: string) => ` of ${members.split(', ').length}`)
}

describe('PROTOCOL.md', () => {
  const headings = [...document.matchAll(/^### `(\w+)` \((\d+), (scout|hub|both)(, data)?\)$/gm)]

  test('describes every frame and no other, with its code, its sender and its allowance', () => {
    const described = headings.map(([, type, code, from, data]) => [type, Number(code), from, data !== undefined])
    const real = frameTypes.map((type) => [
      type,
      frameTable[type].code,
      frameTable[type].from,
      'data' in frameTable[type],
    ])
    expect(described.sort()).toEqual(real.sort())
    for (const [type, code] of real) {
      const range = { scout: [1, 31], both: [32, 63], hub: [64, 127] }[frameTable[type as keyof typeof frameTable].from]
      expect(Number(code) >= range[0]! && Number(code) <= range[1]!).toBe(true)
    }
  })

  test.each(frameTypes)('gives the fields of %s in their order with their types', (type) => {
    const heading = headings.find(([, name]) => name === type)
    const rows = tableAt('field', heading!.index)
    const described = rows.map(([name, cell]) => [name, documented(cell!)])
    expect(described).toEqual(fieldsOf(type).map(([name, field]) => [name, typeOf(field)]))
  })

  test.each([
    ['hub phase', hubPhaseMoves, hubAccepts],
    ['scout phase', scoutPhaseMoves, scoutAccepts],
  ] as const)('gives every %s with its moves and the frames it accepts', (heading, moves, accepts) => {
    const described = tableAt(heading).map(([phase, next, hears]) => [phase, words(next!), words(hears!)])
    const heard: Readonly<Record<string, readonly string[]>> = accepts
    const real = Object.entries(moves).map(([phase, next]) => [phase, [...next].sort(), [...heard[phase]!].sort()])
    expect(described).toEqual(real)
  })

  test('gives every close code and what the scout does', () => {
    const rows = tableAt('code')
    expect(rows.map(([code, name, by, meaning]) => [Number(code), name, by, meaning])).toEqual(
      Object.entries(closeTable).map(([name, { code, by, meaning }]) => [code, name, by, meaning]),
    )
    for (const [code, name, , , does] of rows) {
      if (name === 'leaving') continue
      expect(does!.startsWith(mayReconnect(Number(code)) ? 'dials again' : 'stops'), name).toBe(true)
    }
  })

  test('gives the outcomes, the verdicts and the faults that a scout may report', () => {
    expect(tableAt('outcome').map(([outcome]) => outcome)).toEqual(outcomes)
    expect(tableAt('verdict').map(([verdict]) => verdict)).toEqual(heldVerdicts)
    const reportable = Object.entries(faultTable).filter(([code]) => isReportable(code))
    expect(tableAt('fault').map((row) => row.slice(0, 3))).toEqual(
      reportable.map(([code, { blame, retry }]) => [code, blame, retry]).sort(byDocument()),
    )
  })

  test('gives every constant with its value', () => {
    const real: Readonly<Record<string, number>> = limits
    const rows = tableAt('constant')
    expect(rows.length).toBeGreaterThan(30)
    for (const [name, value] of rows) expect([name, Number(value)]).toEqual([name, real[name!]])
    const named = new Set(rows.map(([name]) => name))
    const onTheWire = /^(frame|fragment|inlineBody|control|data|lease|reconnect|unacked|silence|heartbeat|hello)[A-Z]/
    expect(Object.keys(limits).filter((name) => onTheWire.test(name) && !named.has(name))).toEqual([])
  })

  test('names no large number in its prose that is not one of the constants', () => {
    const known = new Set(tableAt('constant').map(([, value]) => value))
    const prose = document.slice(0, document.indexOf('## 12.')).split('\n')
    const numbers = prose.filter((line) => !line.startsWith('| ')).flatMap((line) => line.match(/\b\d{5,}\b/g) ?? [])
    expect(numbers.filter((number) => !known.has(number))).toEqual([])
  })

  test('names the fields that only the hub writes, and how long it waits for a scout that is gone', () => {
    const named = /top\s+level has \*\*none of[^:]*: ([^.]*)\./.exec(document)?.[1] ?? ''
    expect(named.match(/`(\w+)`/g)).toEqual(reservedFields.map((field) => `\`${field}\``))
    const waits = tableAt('the attempt').map(([, wait]) => wait!)
    for (const wait of waits.slice(2, 4)) expect(wait).toContain(`${limits.resumeWindowMs / 1000} s after the loss`)
    const leaseSeconds = (limits.leaseTtlMs + limits.leaseGraceMs) / 1000
    expect(waits.slice(4)).toHaveLength(2)
    expect(waits.slice(4).every((wait) => wait.includes(`${leaseSeconds} s after`))).toBe(true)
    expect(document).toContain(`due within ${limits.firstSignMs / 1000} s`)
  })

  test('says how to connect as the code does', () => {
    expect(document).toContain(`GET ${scoutPath} HTTP/1.1`)
    expect(document).toContain(`Sec-WebSocket-Protocol: ${subprotocol}`)
    expect(document).toContain(`version ${protocolVersion}\n`)
    expect(document).toContain(`bytes = ${nonceBytes}`)
  })
})

/** Orders rows as the document has them, which groups them by when they happen. */
function byDocument(): (a: readonly string[], b: readonly string[]) => number {
  const order = tableAt('fault').map(([code]) => code)
  return (a, b) => order.indexOf(a[0]!) - order.indexOf(b[0]!)
}
