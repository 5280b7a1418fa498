/** Which URLs a request may make others fetch: every spelling of a private address is refused, public ones are not. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unfetchableIn, urlFlaw } from '../../shared/network/fetchable-url.ts'
import '../support/law/seeded-properties.ts'

const byte = fc.integer({ min: 0, max: 255 })
const privateAddress = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127, 224, 255), byte, byte, byte),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
  fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
  fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
)
const publicAddress = fc.tuple(fc.constantFrom(1, 8, 93, 203), byte, byte, byte)

type Quad = readonly [number, number, number, number]
const sum = ([a, b, c, d]: Quad) => ((a * 256 + b) * 256 + c) * 256 + d
const hex = (number: number) => number.toString(16)
/** Every way in which some parser accepts an IPv4 address. */
const spellings: ((quad: Quad) => string)[] = [
  (quad) => quad.join('.'),
  (quad) => `${quad.join('.')}.`,
  (quad) => String(sum(quad)),
  (quad) => `0x${hex(sum(quad))}`,
  (quad) => `0${sum(quad).toString(8)}`,
  (quad) => quad.map((number) => `0x${hex(number)}`).join('.'),
  (quad) => quad.map((number) => `0${number.toString(8)}`).join('.'),
  ([a, b, c, d]) => `${a}.${(b * 256 + c) * 256 + d}`,
  ([a, b, c, d]) => `${a}.${b}.${c * 256 + d}`,
  (quad) => `[::ffff:${quad.join('.')}]`,
  ([a, b, c, d]) => `[::FFFF:${hex(a * 256 + b)}:${hex(c * 256 + d)}]`,
  ([a, b, c, d]) => `[0:0:0:0:0:ffff:${hex(a * 256 + b)}:${hex(c * 256 + d)}]`,
  (quad) => `[64:ff9b::${quad.join('.')}]`,
  ([a, b, c, d]) => `[2002:${hex(a * 256 + b)}:${hex(c * 256 + d)}::1]`,
]
const spelling = fc.constantFrom(...spellings)
const scheme = fc.constantFrom('http', 'https', 'HTTP')
const tail = fc.constantFrom('', '/', ':8080', ':80/a.png?x=1', '?x', '#y')

describe('an address', () => {
  test('that is private is refused in every spelling', () => {
    fc.assert(
      fc.property(privateAddress, spelling, scheme, tail, (quad, spell, how, rest) => {
        expect(urlFlaw(`${how}://${spell(quad)}${rest}`)).not.toBeNull()
      }),
    )
  })

  test('that is public is accepted in every spelling', () => {
    fc.assert(
      fc.property(publicAddress, spelling, scheme, tail, (quad, spell, how, rest) => {
        expect(urlFlaw(`${how}://${spell(quad)}${rest}`)).toBeNull()
      }),
    )
  })

  test('never throws and never accepts another scheme', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const isAccepted = urlFlaw(text) === null
        if (isAccepted) expect(text).toMatch(/^(https?:\/\/|data:)/i)
      }),
    )
  })
})

const refused = [
  'file:///etc/passwd',
  'FILE:/etc/passwd',
  '/etc/passwd',
  'images/a.png',
  '',
  'ftp://example.com/a',
  'gopher://example.com/',
  'javascript:alert(1)',
  'blob:https://example.com/1',
  'http:example.com',
  'http:///127.0.0.1/',
  'http://',
  'http://localhost/',
  'http://LOCALHOST./',
  'http://a.localhost/',
  'http://metadata.google.internal/',
  'http://printer.local/',
  'http://router/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::127.0.0.1]/',
  'http://[fe80::1]/',
  'http://[fe80::1%25eth0]/',
  'http://[fd00::1]/',
  'http://[ff02::1]/',
  'http://[fec0::1]/',
  'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'http://user@example.com/',
  'http://user:password@example.com/',
  'http://example.com\\@127.0.0.1/',
  'http://127.0.0.1\\.example.com/',
  'http://exa\tmple.com/',
  ' http://example.com/',
  'http://example.com/a b',
  'http://%31%32%37.0.0.1/',
  'http://１２７.0.0.1/',
  'http://127。0。0。1/',
  'http://localhost%00.example.com/',
  'http://[::ffff:7f00:1',
  'http://256.256.256.256/',
]

test.each(refused)('%j is refused', (url) => {
  expect(urlFlaw(url)).toMatch(/^must be a public https:, http: or data: URL/)
})

const accepted = [
  'https://example.com/a.png?x=http://localhost/',
  'http://example.com.:8080/a@b',
  'https://bücher.example/a.png',
  'https://[2606:4700::1111]/a.png',
  'data:image/png;base64,AAAA',
  'DATA:,',
  'https://localhost.example.com/',
  'https://100.128.0.1/',
  'https://172.32.0.1/',
]

test.each(accepted)('%j is accepted', (url) => {
  expect(urlFlaw(url)).toBeNull()
})

const bad = 'http://127.0.0.1/'
const part = { type: 'image_url', image_url: { url: bad } }
const rows: [string, Record<string, unknown>, string | null][] = [
  [
    'an image',
    { messages: [{ content: 'x' }, { content: [{ type: 'text' }, part] }] },
    'messages[1].content[1].image_url.url',
  ],
  ['a bare image', { messages: [{ content: [{ image_url: bad }] }] }, 'messages[0].content[0].image_url'],
  ['a video', { messages: [{ content: [{ video_url: { url: bad } }] }] }, 'messages[0].content[0].video_url.url'],
  [
    'a list of images',
    { messages: [{ content: [{ images: [{ uri: bad }] }] }] },
    'messages[0].content[0].images[0].uri',
  ],
  [
    'a file',
    { messages: [{ content: [{ file: { file_data: 'file:///a' } }] }] },
    'messages[0].content[0].file.file_data',
  ],
  ['an item', { input: [{ type: 'input_file', file_url: bad }] }, 'input[0].file_url'],
  ['an item in a message', { input: [{ content: [{ image_url: bad }] }] }, 'input[0].content[0].image_url'],
  ['a tool', { tools: [{ type: 'mcp', server_url: bad }] }, 'tools[0].server_url'],
  [
    'a node',
    { scroll: { nodes: [{ messages: [{ content: [part] }] }] } },
    'scroll.nodes[0].messages[0].content[0].image_url.url',
  ],
  ['params', { params: { messages: [{ content: [part] }] } }, 'params.messages[0].content[0].image_url.url'],
  ['text', { messages: [{ content: bad }, { content: [{ type: 'text', text: bad }] }] }, null],
  ['bytes', { messages: [{ content: [{ file: { file_data: 'AAAA' } }] }] }, null],
  ['a reference', { messages: [{ content: [{ image_url: { url: '{{params.url}}' } }] }] }, null],
  ['a tool about URLs', { tools: [{ function: { parameters: { examples: [{ url: bad }] } } }] }, null],
]

test.each(rows)('in a request: %s', (_what, request, field) => {
  expect(unfetchableIn(request)?.field ?? null).toBe(field)
})
