/** One link, with its socket and its clock held: batches, short writes, silence, bad frames. */
import { Packr } from 'msgpackr/pack'
import { describe, expect, test } from 'vitest'
import { BatchCodec } from '../../orchestrator/link/codec.ts'
import { Link } from '../../orchestrator/link/link.ts'
import {
  linkAliveMs,
  linkBatchBytes,
  linkFrameBytesMax,
  linkQueueBytesMax,
  linkSilenceMs,
} from '../../shared/limits/process.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

type Message = { said: string }

/** A link whose socket takes as much as it is told to. */
function stage(room = Number.POSITIVE_INFINITY) {
  const system = new ManualSystem()
  const writes: Uint8Array[] = []
  const heard: { said: string; body: Uint8Array | null }[] = []
  const ends: string[] = []
  const line = { room, isClosed: false, terminated: 0 }
  const link = new Link<Message, Message>({
    system,
    socket: {
      write(bytes) {
        if (line.isClosed) return -1
        const taken = Math.min(bytes.length, line.room)
        line.room -= taken
        if (taken > 0) writes.push(bytes.slice(0, taken))
        return taken
      },
      terminate: () => void line.terminated++,
    },
    receive: ({ said }, body) => void heard.push({ said, body }),
    ended: (why) => void ends.push(why),
  })
  return { system, writes, heard, ends, line, link }
}

const hello: Message = { said: 'hello' }
/** As at the beginning of a link. */
const codec = () => new BatchCodec<Message, Message>()
const frameOf = (...messages: Message[]) => codec().encode(messages.map((message) => ({ message, body: null })))

/** The other end says that it is alive for so long, and this one looks. */
function live(at: ReturnType<typeof stage>, durationMs: number): void {
  for (let ms = 0; ms < durationMs; ms += linkAliveMs) {
    at.system.pass(linkAliveMs)
    at.link.received(frameOf())
  }
}

describe('sending', () => {
  test('all messages of a turn leave as one write', () => {
    const at = stage()
    at.link.send(hello)
    at.link.send({ said: 'again' }, new Uint8Array([1, 2]))
    expect(at.writes).toEqual([])
    at.system.pass(0)
    expect(at.writes.length).toBe(1)
    const other = stage()
    other.link.received(at.writes[0]!)
    expect(other.heard).toEqual([
      { said: 'hello', body: null },
      { said: 'again', body: Buffer.from([1, 2]) },
    ])
  })

  test('many bytes do not wait for the end of the turn', () => {
    const at = stage()
    at.link.send(hello, new Uint8Array(linkBatchBytes))
    expect(at.writes.length).toBe(1)
  })

  test('what the socket does not take follows when it takes more, in order', () => {
    const at = stage(3)
    at.link.send(hello)
    at.system.pass(0)
    at.link.send({ said: 'second' })
    at.system.pass(0)
    expect(at.writes.map(({ length }) => length)).toEqual([3])
    at.line.room = 1
    at.link.drained()
    at.line.room = Number.POSITIVE_INFINITY
    at.link.drained()
    const other = stage()
    for (const piece of at.writes) other.link.received(piece)
    expect(other.heard.map(({ said }) => said)).toEqual(['hello', 'second'])
  })

  test('a socket that is closed ends it once, and nothing is sent any more', () => {
    const at = stage()
    at.line.isClosed = true
    at.link.send(hello)
    at.system.pass(0)
    at.link.closed()
    at.link.send(hello)
    at.system.pass(linkSilenceMs)
    expect(at.ends).toEqual(['the socket is closed'])
    expect(at.line.terminated).toBe(1)
    expect(at.system.pending).toBe(0)
  })

  test('more than may wait ends it', () => {
    const at = stage(0)
    const body = new Uint8Array(32 * 1024 * 1024)
    for (let sent = 0; sent <= linkQueueBytesMax; sent += body.length) at.link.send(hello, body)
    expect(at.ends).toEqual(['too much waits for the process at the other end'])
  })
})

describe('reading', () => {
  test('frames come whole out of any pieces', () => {
    const bytes = Buffer.concat([frameOf(hello), frameOf(), frameOf({ said: 'two' }, { said: 'three' })])
    for (const size of [1, 3, 7, bytes.length]) {
      const at = stage()
      for (let from = 0; from < bytes.length; from += size) at.link.received(bytes.subarray(from, from + size))
      expect(at.heard.map(({ said }) => said)).toEqual(['hello', 'two', 'three'])
    }
  })

  test.each([
    ['a length beyond all frames', lengthOf(linkFrameBytesMax + 1)],
    ['no length at all', lengthOf(0)],
    ['a head longer than its frame', Buffer.concat([lengthOf(6), lengthOf(9), Buffer.from([0x90, 0])])],
    ['a head that is not msgpack', Buffer.concat([lengthOf(6), lengthOf(2), Buffer.from([0xdd, 0xff])])],
    ['a head that is no list', Buffer.concat([lengthOf(5), lengthOf(1), Buffer.from([7])])],
    ['a body that is cut short', Buffer.concat([lengthOf(7), lengthOf(3), Buffer.from([0x92, 1, 9])])],
    ['something behind the last body', Buffer.concat([lengthOf(6), lengthOf(1), Buffer.from([0x90, 1])])],
  ])('%s ends it', (_what, bytes) => {
    const at = stage()
    at.link.received(bytes)
    at.link.received(frameOf(hello))
    expect(at.ends.length).toBe(1)
    expect(at.heard).toEqual([])
  })

  test('what was read may be kept', () => {
    const frame = Buffer.from(codec().encode([{ message: hello, body: new Uint8Array([5]) }]))
    const at = stage()
    at.link.received(frame)
    frame.fill(0)
    expect(at.heard[0]!.body).toEqual(Buffer.from([5]))
  })

  test('names of fields are sent once, and read in their order', () => {
    const [writer, reader] = [codec(), codec()]
    const frames = [1, 2, 3].map((at) => Buffer.from(writer.encode([{ message: { said: `hello ${at}` }, body: null }])))
    expect(frames.map((frame) => frame.includes('said'))).toEqual([true, false, false])
    const heard = frames.map((frame) => reader.decode(frame.subarray(4)))
    expect(heard).toEqual([1, 2, 3].map((at) => [{ message: { said: `hello ${at}` }, body: null }]))
  })

  test('messages of more forms than a link remembers are read all the same', () => {
    const [writer, reader] = [new BatchCodec<object, object>(), new BatchCodec<object, object>()]
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 1_500; at++) {
        const message = { type: 'of many', [`field ${at}`]: { [`inner ${at}`]: round } }
        const frame = Buffer.from(writer.encode([{ message, body: null }])).subarray(4)
        expect(reader.decode(frame)).toEqual([{ message, body: null }])
      }
    }
  })

  test('a process of a version that sends maps is understood as far as its version', () => {
    const head = new Packr({ useRecords: false }).pack([{ type: 'edgeHello', version: 1 }, -1])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(head.length)
    const reader = new BatchCodec<object, object>()
    expect(reader.decode(Buffer.concat([length, head]))).toEqual([
      { message: { type: 'edgeHello', version: 1 }, body: null },
    ])
  })

  test('figures, whose names have no end, are forgotten by the link', () => {
    const [writer, reader] = [new BatchCodec<object, object>(), new BatchCodec<object, object>()]
    const message = { type: 'figures', figures: { metrics: [{ labels: { 'any name': 'x' } }] } }
    for (let twice = 0; twice < 2; twice++) {
      const frame = Buffer.from(writer.encode([{ message, body: null }]))
      expect(frame.includes('any name')).toBe(true)
      expect(reader.decode(frame.subarray(4))).toEqual([{ message, body: null }])
    }
  })

  test('a batch without messages is none', () => {
    expect(codec().decode(Buffer.from(codec().encode([])).subarray(4))).toEqual([])
  })
})

describe('time', () => {
  test('both ends say that they are alive, and nobody is given up', () => {
    const at = stage()
    live(at, 3 * linkSilenceMs)
    expect(at.ends).toEqual([])
    expect(at.writes.length).toBeGreaterThan(5)
  })

  test('a process that stays silent is given up', () => {
    const at = stage()
    at.system.pass(linkSilenceMs)
    expect(at.ends).toEqual(['the process at the other end does not answer'])
  })

  test('a process that speaks and reads nothing is given up', () => {
    const at = stage(0)
    at.link.send(hello)
    live(at, linkSilenceMs + linkAliveMs)
    expect(at.ends).toEqual(['the process at the other end takes nothing'])
  })

  test('who stood still itself judges nobody by that time', () => {
    const at = stage()
    at.system.stand(3 * linkSilenceMs)
    at.system.pass(linkAliveMs)
    expect(at.ends).toEqual([])
    at.system.pass(linkSilenceMs)
    expect(at.ends.length).toBe(1)
  })
})

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  return length
}
