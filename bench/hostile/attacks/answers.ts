/**
 * Scouts whose answers are poison: absurd numbers, depth and width without end, verdicts about innocent clients.
 * `attacks.ts` lists these attacks.
 */
import { answerDepthMax, answerFieldsMax, answerPartsMax } from '../../../shared/limits/answers.ts'
import { type Attack, chatFor } from '../site/site.ts'
import type { Stranger, Task } from '../site/stranger.ts'

const mib = 2 ** 20
const answerBytes = 4 * mib - 1_000

/** A whole answer with a field that is padded to the largest size allowed. */
function padded(open: string, close: string, unit: (at: number) => string): Uint8Array {
  const head = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"x":'
  let text = head + open
  const parts: string[] = []
  let length = text.length
  for (let at = 0; length < answerBytes; at++) {
    parts.push(unit(at))
    length += parts.at(-1)!.length
  }
  text += parts.join('') + close
  return Buffer.from(text)
}

const usage: Attack = {
  name: 'usage',
  about: 'four scouts that report 2^53 tokens with every answer',
  async run(site) {
    const tokens = Number.MAX_SAFE_INTEGER
    const onTask = (stranger: Stranger, task: Task) =>
      stranger.say(task, 'hi', { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens })
    await site.strangers(4, (at) => ({ name: `usage-${at}`, models: ['hostile-usage'], onTask }))
    await site.fire(48, '/v1/chat/completions', chatFor('hostile-usage'))
  },
}

/** The most parts besides numbers that are allowed, as objects with the most fields that are allowed. */
function widest(): Uint8Array {
  const fields = Array.from({ length: answerFieldsMax - 1 }, (_, at) => `"k${at}":0`).join(',')
  let parts = 32
  return padded('[', '0]}', () => {
    parts += 2 * answerFieldsMax
    return parts < answerPartsMax ? `{${fields}},` : ' '.repeat(64)
  })
}

/** As deep as is allowed, again and again, with the numbers that are left. */
function deepest(): Uint8Array {
  const depth = answerDepthMax - 4
  const nest = `${'['.repeat(depth)}${']'.repeat(depth)},`
  let parts = 32
  return padded('[', '0]}', () => {
    parts += depth
    return parts < answerPartsMax ? nest : '0,'.repeat(32)
  })
}

const deep: Attack = {
  name: 'deep-answers',
  about: 'three scouts that settle with 4 MiB of nesting, of fields and of numbers, beyond the bounds and just within',
  async run(site) {
    const bodies = [
      padded('[', '0]}', () => '[[[[[[[[]]]]]]]],'),
      padded('{', '"z":0}}', (at) => `"k${at}":0,`),
      padded('[', '0]}', () => '0,'.repeat(32)),
      widest(),
      deepest(),
    ]
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('answers')
      return stranger.settle(task, bodies[task.task % bodies.length]!)
    }
    await site.strangers(3, (at) => ({ name: `deep-${at}`, models: ['hostile-deep'], concurrency: 8, onTask }))
    await site.fire(12, '/v1/chat/completions', chatFor('hostile-deep'))
  },
}

const liars: Attack = {
  name: 'liars',
  about: 'three scouts that call every request of the others invalid',
  async run(site) {
    const models = Array.from({ length: 50 }, (_, at) => `bench-${at}`)
    const onTask = (stranger: Stranger, task: Task) => {
      site.note('verdicts')
      return stranger.fail(task, 'invalid_request')
    }
    await site.strangers(3, (at) => ({ name: `liar-${at}`, models, onTask }))
  },
}

export const answerAttacks = [usage, deep, liars]
