/** What scouts send beyond what one turn of the loop reads waits: in order, fairly, within bounds, and to its end. */
import { describe, expect, test } from 'vitest'
import { Inbox } from '../../orchestrator/gateway/inbox.ts'
import {
  frameBytesMax,
  inboxBytesInAllMax,
  inboxBytesMax,
  inboxBytesPerTurn,
  inboxMessageBytes,
  inboxShareBytes,
} from '../../shared/limits/wire.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

interface Socket {
  name: string
}

function stage() {
  const system = new ManualSystem()
  const read: string[] = []
  const overflowed: string[] = []
  const lengths: number[] = []
  const inbox = new Inbox<Socket>(
    system,
    ({ name }, message) => {
      read.push(`${name}${message[0]}`)
      lengths.push(message.length)
    },
    ({ name }) => overflowed.push(name),
  )
  /** A message that says its number. */
  const say = (socket: Socket, number: number, bytes = 1) => {
    const message = new Uint8Array(bytes)
    message[0] = number
    inbox.add(socket, message)
  }
  return { system, inbox, read, lengths, overflowed, say }
}

const a: Socket = { name: 'a' }
const b: Socket = { name: 'b' }
const perTurn = Math.ceil(inboxBytesPerTurn / (frameBytesMax + inboxMessageBytes))

describe('messages', () => {
  test('are read as they come, and nothing is put off for a few of them', () => {
    const { say, read, system } = stage()
    for (let at = 0; at < 20; at++) say(a, at)
    expect(read).toHaveLength(20)
    expect(system.turn()).toBe(false)
  })

  test('beyond what one turn reads wait for the next ones, in order', () => {
    const { say, read, system, inbox } = stage()
    const count = 100
    for (let at = 0; at < count; at++) say(a, at, frameBytesMax)
    const each = [read.length]
    for (let before = read.length; read.length < count; before = read.length) {
      expect(system.turn()).toBe(true)
      each.push(read.length - before)
    }
    expect(Math.max(...each)).toBeLessThanOrEqual(perTurn)
    expect(read).toEqual(Array.from({ length: count }, (_, at) => `a${at}`))
    expect([inbox.held, inbox.isWaiting(a)]).toEqual([0, false])
    system.turn()
    expect(system.turn()).toBe(false)
  })

  test('count for more than their bytes: a turn reads a bounded number of the smallest', () => {
    const { say, read } = stage()
    for (let at = 0; at < 10_000; at++) say(a, at % 250)
    expect(read.length).toBeLessThanOrEqual((2 * inboxBytesPerTurn) / inboxMessageBytes)
  })

  test('of who sends little are read at once, however much of others waits', () => {
    const { say, read } = stage()
    for (let at = 0; at < 200; at++) say(a, at, frameBytesMax / 4)
    const before = read.length
    say(b, 1)
    say(b, 2)
    expect(read.slice(before)).toEqual(['b1', 'b2'])
  })

  test('of who sends little wait behind what waits of the same, and in the next turn come before the rest', () => {
    const { say, read, system } = stage()
    for (let at = 0; at < 200; at++) say(a, at, frameBytesMax / 4)
    say(b, 1, frameBytesMax / 4)
    say(b, 2)
    expect(read.some((one) => one.startsWith('b'))).toBe(false)
    system.turn()
    expect(read.filter((one) => one.startsWith('b'))).toEqual(['b1', 'b2'])
    expect(read.filter((one) => one.startsWith('a')).length).toBeLessThan(200)
  })

  test('that are small are bounded as well beside those that wait', () => {
    const { say, read } = stage()
    const sockets = Array.from({ length: 5_000 }, (_, at) => ({ name: `many-${at}-` }))
    for (let at = 0; at < 20; at++) say(a, at, frameBytesMax)
    const before = read.length
    for (const socket of sockets) say(socket, 1)
    expect(read.length - before).toBeLessThanOrEqual(inboxBytesPerTurn / inboxMessageBytes)
  })

  test('of several that send much are read in rotation', () => {
    const { say, read, system, inbox } = stage()
    const sockets = ['a', 'b', 'c', 'd'].map((name) => ({ name }))
    for (let at = 0; at < 100; at++) for (const socket of sockets) say(socket, at, inboxShareBytes)
    while (inbox.held > 0) {
      const before = read.length
      system.turn()
      const counts = sockets.map(({ name }) => read.slice(before).filter((one) => one.startsWith(name)).length)
      if (inbox.held > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    }
    for (const { name } of sockets) {
      expect(read.filter((one) => one.startsWith(name))).toEqual(Array.from({ length: 100 }, (_, at) => `${name}${at}`))
    }
  })

  test('that come while others wait are put behind them', () => {
    const { say, read, system } = stage()
    for (let at = 0; at < 30; at++) say(a, at, frameBytesMax)
    system.turn()
    say(a, 30)
    while (system.turn());
    expect(read.at(-1)).toBe('a30')
  })
})

test('one turn reads one share of a socket that is alone, so that who reads its streams is not outrun', () => {
  const { say, read, system } = stage()
  const bytes = inboxShareBytes / 4 - inboxMessageBytes
  for (let at = 0; at < 200; at++) say(a, at, bytes)
  const before = read.length
  system.turn()
  expect(read.slice(before)).toEqual(Array.from({ length: 4 }, (_, at) => `a${before + at}`))
})

describe('too much that waits', () => {
  test('of one socket closes it, and what waited of it is not read', () => {
    const { say, overflowed, read, inbox, system } = stage()
    for (let bytes = 0; overflowed.length === 0; bytes += frameBytesMax) {
      expect(bytes).toBeLessThan(2 * inboxBytesMax)
      say(a, 1, frameBytesMax)
    }
    expect([overflowed, inbox.held]).toEqual([['a'], 0])
    const { length } = read
    while (system.turn());
    expect(read.length).toBe(length)
  })

  test('of all closes the one of which most waits', () => {
    const { say, overflowed, inbox } = stage()
    const many = Array.from({ length: 40 }, (_, at) => ({ name: `many-${at}` }))
    const each = Math.floor(inboxBytesInAllMax / many.length / frameBytesMax) - 1
    for (let at = 0; at < each; at++) for (const socket of many) say(socket, at, frameBytesMax)
    expect(overflowed).toEqual([])
    for (let at = 0; overflowed.length === 0; at++) say(a, at % 250, frameBytesMax)
    expect(overflowed).toEqual(['a'])
    expect(inbox.held).toBeLessThanOrEqual(inboxBytesInAllMax)
  })
})

describe('the end of a socket', () => {
  test('is told at once when nothing of it waits', () => {
    const { inbox, read } = stage()
    inbox.end(a, () => read.push('end'))
    expect(read).toEqual(['end'])
  })

  test('comes behind the last message of it that waits', () => {
    const { inbox, say, read, system } = stage()
    const count = 3 * perTurn
    for (let at = 0; at < count; at++) say(a, at, frameBytesMax)
    inbox.end(a, () => read.push('end'))
    expect(read).not.toContain('end')
    while (system.turn());
    expect(read.slice(-2)).toEqual([`a${count - 1}`, 'end'])
    expect(inbox.isWaiting(a)).toBe(false)
  })

  test('is told when what waited of it is dropped', () => {
    const { inbox, say, overflowed } = stage()
    for (let at = 0; at < 2 * perTurn; at++) say(a, at, frameBytesMax)
    let ends = 0
    inbox.end(a, () => ends++)
    for (let bytes = 0; overflowed.length === 0 && bytes < 2 * inboxBytesMax; bytes += frameBytesMax)
      say(a, 1, frameBytesMax)
    expect(ends).toBe(1)
  })
})
