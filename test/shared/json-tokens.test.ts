/** Where a string ends, however long it is and wherever in it stands what does not mean itself. */
import { expect, test } from 'vitest'
import { endOfString } from '../../shared/json/json-tokens.ts'

const lengths = [0, 1, 3, 511, 512, 513, 514, 515, 600, 5_000]

test.each(lengths)('a string of %i plain bytes ends behind its quote, whatever stands around it', (length) => {
  for (const [before, behind] of [
    ['', ''],
    ['[', ',"more"]'],
    ['   ', '\u0000\u0000'],
  ] as const) {
    for (const plain of ['x', '\u007f', 'ü', '\u00ff'.repeat(2)]) {
      const text = plain.repeat(length)
      const bytes = Buffer.from(`${before}"${text}"${behind}`)
      const end = before.length + 2 + Buffer.byteLength(text)
      expect(endOfString(bytes, before.length)).toBe(end)
    }
  }
})

test.each(lengths)('behind %i plain bytes what does not mean itself is found at every place of four', (length) => {
  for (let shift = 0; shift < 4; shift++) {
    const plain = 'x'.repeat(length + shift)
    const end = (rest: string) => endOfString(Buffer.from(`"${plain}${rest}`), 0)
    expect(end(`\\n${plain}"`)).toBe(2 * plain.length + 4)
    expect(end(`\\u00e9"`)).toBe(plain.length + 8)
    expect(end('"tail')).toBe(plain.length + 2)
    for (const bad of ['\u0000"', '\u001f"', '\n"', '\\x"', '\\u00g0"', '']) expect(end(bad)).toBe(-1)
  }
})

test('a search that is cut at any place goes on behind it, or ends as the whole one does', () => {
  const text = `${'x'.repeat(700)}\\u00e9${'ü'.repeat(400)}\\"${'y'.repeat(530)}`
  const bytes = Buffer.from(`"${text}"`)
  for (let until = 1; until <= bytes.length + 3; until++) {
    let found = endOfString(bytes, 0, until)
    // It looks at what follows the byte it is given.
    if (found < -1) found = endOfString(bytes, -3 - found)
    expect(found).toBe(bytes.length)
  }
})
