/**
 * Messages that no well-meaning scout sends, by hand and byte by byte, for a hub that must end the session they come
 * from with 4400 and feel nothing else.
 */
import { frameBytesMax, frameNodesMax, offersMax } from '../../../shared/limits/wire.ts'
import { encode } from '../../../shared/protocol/codec.ts'
import { write } from '../../../shared/protocol/write.ts'

const u32max = [0xff, 0xff, 0xff, 0xff]
const chars = (text: string) => [...Buffer.from(text)]
const bytes = (...values: number[]) => Uint8Array.from(values)
/** A drain frame whose reason is these bytes, declared as a string of their length. */
const drainOf = (...reason: number[]) => bytes(0x92, 8, 0xa0 | reason.length, ...reason)

const proto = [0xa9, ...chars('__proto__')]
const constructorKey = [0xab, ...chars('constructor')]

/** For a session that is at work. */
export const bombs: Record<string, Uint8Array> = {
  'an empty message': bytes(),
  'a byte that begins no value': bytes(0xc1),
  'random bytes': Uint8Array.from({ length: 4_096 }, (_, i) => (i * 7_919) % 251),
  '60,000 nested arrays': new Uint8Array(60_000).fill(0x91),
  '17 nested arrays': bytes(...new Array<number>(17).fill(0x91), 0),
  'an array said to hold 4 billion values': bytes(0xdd, ...u32max, 2),
  'a list inside a frame said to hold 4 billion': bytes(0x93, 9, 1, 0xdd, ...u32max),
  'a string said to be 4 GB long': bytes(0x92, 8, 0xdb, ...u32max, 0x41),
  'bytes said to be 4 GB long': bytes(0x92, 8, 0xc6, ...u32max, 0x41),
  'a map said to hold 4 billion keys': bytes(0x92, 8, 0xdf, ...u32max),
  'more values than a frame may hold': bytes(0xdc, 0x10, 0x01, ...new Array<number>(frameNodesMax + 1).fill(0xc0)),
  'an extension': bytes(0x92, 8, 0xd4, 0x01, 0x00),
  'an extension said to be 4 GB long': bytes(0x92, 8, 0xc9, ...u32max, 0x01),
  'a timestamp': bytes(0x92, 8, 0xd6, 0xff, 0, 0, 0, 0),
  'a record definition': bytes(0x92, 8, 0xd4, 0x72, 0x40, 0x91, ...proto, 0xc0),
  'an error extension': bytes(0x92, 8, 0xc7, 0x02, 0x65, 0xa1, 0x41),
  'a map in place of the frame': bytes(0x81, ...proto, 0x80),
  'a map with a prototype key': bytes(0x92, 8, 0x81, ...proto, 0x81, ...constructorKey, 0xc3),
  'the prototype as code': bytes(0x92, ...proto, 0xc0),
  'the constructor as code': bytes(0x92, ...constructorKey, 0xc0),
  'the length as code': bytes(0x92, 0xa6, ...chars('length'), 0xc0),
  'a string that is not UTF-8': drainOf(0xff, 0xfe),
  'an overlong slash': drainOf(0xc0, 0xaf),
  'half a surrogate pair': drainOf(0xed, 0xa0, 0x80),
  'a character that is cut off': drainOf(0xf0, 0x9f, 0x91),
  'bytes behind the frame': Buffer.concat([encode({ type: 'credit', count: 1 }), bytes(0)]),
  'two frames in one message': Buffer.concat(new Array(2).fill(encode({ type: 'credit', count: 1 }))),
  'a frame that is cut off': encode({ type: 'drain', reason: 'to be continued' }).slice(0, -4),
  'a frame one byte too long': write([8, new Uint8Array(frameBytesMax - 6)]),
  'a frame three times too long': write([8, new Uint8Array(3 * frameBytesMax)]),
  'an unknown code': write([31]),
  "a code of the hub's": encode({ type: 'ping', ping: 1, acks: [] }),
  'a negative code': bytes(0x91, 0xff),
  'a code with a fraction': write([2.5, 1]),
  'a code without its fields': bytes(0x91, 2),
  'a credit of null': write([2, null]),
  'a negative credit': write([2, -1]),
  'a credit with a fraction': write([2, 0.5]),
  'a credit that is no number': write([2, Number.NaN]),
  'an infinite credit': write([2, Number.POSITIVE_INFINITY]),
  'a credit as text': write([2, '1']),
  'a credit beyond every concurrency': write([2, 257]),
  'a whole number beyond 2^53': bytes(0x92, 2, 0xcf, ...u32max, ...u32max),
  'control characters in a reason': write([8, 'a\u0000b']),
  'an endless reason': write([8, 'a'.repeat(501)]),
  'too many offers': write([9, 1, new Array(offersMax + 1).fill(['chat', 'm', 'p', 0, 0, null, null, ''])]),
  'an offer of an unknown kind': write([9, 1, [['video', 'm', 'p', 0, 0, null, null, '']]]),
  'a nonce of 15 bytes': write([5, 1, 1, new Uint8Array(15), 'done', 0, '', '', 0, 0, new Uint8Array(0)]),
  'an unknown outcome': write([5, 1, 1, new Uint8Array(16), 'maybe', 0, '', '', 0, 0, new Uint8Array(0)]),
  'a body that is not as long as it says': write([4, 1, 1, 0, 0, 7, new Uint8Array(8)]),
  'a body larger than any': write([4, 1, 1, 0, 0, 4 * 1024 * 1024 + 1, null]),
  'a fragment larger than any': write([32, 1, 1, 0, new Uint8Array(32 * 1024 + 1)]),
  'a second hello': encode({
    type: 'hello',
    version: 1,
    name: 'again',
    instance: 'again',
    agent: '',
    concurrency: 1,
    offers: [],
    held: [],
  }),
}
