import { describe, expect, test } from 'vitest'
import { readOrigins } from '../../shared/network/web-origin.ts'

describe('origins are read as browsers write them', () => {
  const rows: [text: string, origin: string][] = [
    ['https://app.example.com', 'https://app.example.com'],
    ['https://app.example.com/', 'https://app.example.com'],
    ['HTTPS://App.Example.COM:443', 'https://app.example.com'],
    ['http://localhost:80', 'http://localhost'],
    ['http://localhost:5173', 'http://localhost:5173'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
    ['tauri://localhost', 'tauri://localhost'],
  ]
  test.each(rows)('%s', (text, origin) => expect(readOrigins([text])).toEqual([origin]))

  test('each once, and * alone for all', () => {
    expect(readOrigins([])).toEqual([])
    expect(readOrigins(['*'])).toEqual(['*'])
    expect(readOrigins(['https://a.example', 'https://a.example:443', 'https://b.example'])).toEqual([
      'https://a.example',
      'https://b.example',
    ])
  })
})

test.each([
  'app.example.com',
  'https://',
  'https://app.example.com/chat',
  'https://app.example.com?x',
  'https://me@app.example.com',
  'https://app.example.com:port',
  'https://*.example.com',
  'null',
  '"https://app.example.com"',
  'localhost:5173',
])('%s is no origin, and the sentence names it', (text) => {
  expect(readOrigins(['https://fine.example', text])).toEqual({
    flaw: expect.stringMatching(/^must be \* or origins with commas between, .* is no origin$/),
  })
  expect((readOrigins([text]) as { flaw: string }).flaw).toContain(JSON.stringify(text))
})

test('* beside other origins would hide them', () => {
  expect(readOrigins(['*', 'https://a.example'])).toEqual({ flaw: expect.stringContaining('beside other origins') })
})
