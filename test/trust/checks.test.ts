import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { questionHash } from '../../orchestrator/trust/checks/question-hash.ts'
import { RepeatRing, SharedTexts } from '../../orchestrator/trust/checks/repeats.ts'
import { isSignal, type Observed } from '../../orchestrator/trust/checks/signals.ts'
import { plainTextHash, textHash } from '../../orchestrator/trust/checks/text-hash.ts'
import { repeatCharsMin, repeatRing, sharedTextsKept } from '../../shared/limits/trust/audits.ts'
import '../support/law/seeded-properties.ts'

const long = 'All work and no play makes Jack a dull boy. '.repeat(8)

describe('the hash of a text', () => {
  test('does not see case, spaces and punctuation, but every word', () => {
    expect(textHash(long)).toBe(textHash(`${long.toUpperCase()}  ...`))
    expect(textHash(long)).not.toBe(textHash(long.replace('Jack', 'Jill')))
  })
  test('of a short text says nothing', () => {
    expect(textHash('x'.repeat(repeatCharsMin - 1))).toBe(null)
    expect(textHash('x'.repeat(repeatCharsMin))).not.toBe(null)
  })
  test('differs for ten thousand different texts', () => {
    const hashes = new Set(Array.from({ length: 10_000 }, (_, at) => textHash(`${at} ${long}`)))
    expect(hashes.size).toBe(10_000)
  })
})

describe('the hash of a text where it stands in JSON', () => {
  const inJson = (text: string) => {
    const bytes = Buffer.from(JSON.stringify({ content: text }))
    return plainTextHash(bytes, '{"content":"'.length, bytes.length - 2)
  }
  test('is that of the text, or is not told where the text has to be read first', () => {
    const plain = fc.string({ minLength: 100, maxLength: 700, unit: fc.constantFrom(...'aZ9 .,-\n"é😀') })
    fc.assert(
      fc.property(plain, (text) => {
        const hash = inJson(text)
        // Bytes are never fewer than characters.
        if (hash !== undefined) expect(hash).toBe(textHash(text))
      }),
    )
    expect(inJson(long)).toBe(textHash(long))
    expect(inJson(long.slice(0, repeatCharsMin - 1))).toBe(null)
    expect(inJson(`"${long}`)).toBe(undefined)
    expect(inJson(`é${long}`)).toBe(undefined)
  })
})

describe('the hash of a question', () => {
  const messages = [{ role: 'user', content: 'Why is the sky blue?' }]
  const hashOf = (request: object) => questionHash(Buffer.from(JSON.stringify(request)))
  test('is that of its messages, whatever stands around them', () => {
    const hash = hashOf({ model: 'm', messages })
    expect(hash).not.toBe(0)
    expect(hashOf({ temperature: 0.5, messages, model: 'n', nested: { messages: [] } })).toBe(hash)
    expect(hashOf({ model: 'm', messages: [...messages, ...messages] })).not.toBe(hash)
    expect(hashOf({ messages })).toBe(hash)
    const spaced = (request: string) => questionHash(Buffer.from(request))
    expect(spaced(`{ "model":"\\\\" , "messages" :  ${JSON.stringify(messages)} , "n": 1 }`)).toBe(hash)
    expect(spaced(`{"user":"\\"messages\\": []","messages":${JSON.stringify(messages)}}`)).toBe(hash)
    expect(hashOf({ messages: null, n: 1 })).toBe(hashOf({ n: 2, messages: null }))
    expect(hashOf({ model: 'm', messages: [{ role: 'system', content: 'Why is the sky blue?' }] })).not.toBe(hash)
  })
  test('is none where there are no messages, or too many', () => {
    expect(hashOf({ model: 'm', input: 'x' })).toBe(0)
    expect(hashOf({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(40_000) }] })).toBe(0)
    expect(questionHash(Buffer.from('no JSON'))).toBe(0)
  })
})

describe('a repeated text', () => {
  test('is one only under another request', () => {
    const ring = new RepeatRing()
    expect(ring.note(1, 10)).toBe(false)
    expect(ring.note(1, 10)).toBe(false)
    expect(ring.note(1, 11)).toBe(true)
    expect(ring.note(2, 12)).toBe(false)
  })
  test('is forgotten after as many other answers as the ring holds', () => {
    const ring = new RepeatRing()
    ring.note(1, 10)
    for (let at = 0; at < repeatRing; at++) ring.note(100 + at, 20 + at)
    expect(ring.note(1, 11)).toBe(false)
  })
  test("is nobody's own once three owners have sent it", () => {
    const texts = new SharedTexts()
    expect(['a', 'a', 'b', 'c', 'a'].map((owner) => texts.note(7, owner))).toEqual([false, false, false, true, true])
  })
  test('is remembered with its owners up to a bound', () => {
    const texts = new SharedTexts()
    for (const owner of ['a', 'b', 'c']) texts.note(7, owner)
    for (let at = 0; at < sharedTextsKept; at++) texts.note(1_000 + at, 'd')
    expect(texts.note(7, 'a')).toBe(false)
  })
})

describe('a signal', () => {
  const plain: Observed = {
    ...{ reportedTokens: 100, answerBytes: 400, provider: 'ollama', providerBefore: 'ollama' },
  }
  test.each<[string, Partial<Observed>, boolean]>([
    ['nothing unusual', {}, false],
    ['as many tokens as bytes', { reportedTokens: 450 }, true],
    ['a token for a page', { reportedTokens: 5, answerBytes: 40_000 }, true],
    ['another provider than before', { provider: 'groq' }, true],
    ['the first provider', { providerBefore: '' }, false],
    ['no report', { reportedTokens: 0 }, false],
    ['an answer too short to tell', { answerBytes: 20, reportedTokens: 60 }, false],
  ])('%s', (_what, fields, expected) => expect(isSignal({ ...plain, ...fields })).toBe(expected))
})
