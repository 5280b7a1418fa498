/** The page on scrolls is true: every command and every scroll in it runs on a real hub with demo scouts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IntentClient } from '../support/clients/intent-client.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { limits } from '../support/law/all-limits.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'scrolls.md'), 'utf8')

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text!)
}

const commands = blocks('sh').filter((text) => !text.startsWith('export'))

let live: LiveHub
beforeAll(async () => {
  live = new LiveHub()
  await live.addScout({ name: 'one' })
  await live.addScout({ name: 'two' })
})
afterAll(() => live.close())

async function run(command: string): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const env = { PATH: process.env.PATH!, CHASM_KEY: live.clientKey, ORCHESTRATOR_URL: live.url }
  // The script that npm would run, without npm's own second.
  const direct = command.replace(/^npm run -s intent --/, `'${process.execPath}' orchestrator/commands/intent.ts`)
  const child = Bun.spawn(['sh', '-c', direct], { cwd: root, env, stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { stdout, stderr, exitCode: await child.exited }
}

test('the page holds what is tested', () => {
  expect([commands.length, blocks('json').length]).toEqual([5, 2])
})

describe.each(commands)('%s', (command) => {
  test('runs and gives an answer', async () => {
    const { stdout, stderr, exitCode } = await run(command)
    expect([exitCode, stderr.includes('Usage')]).toEqual([0, false])
    if (command.startsWith('curl')) expect(stdout).toMatch(/"finish_reason":"stop"[\s\S]*data: \[DONE\]/)
    else if (command.includes('--plan ')) expect(JSON.parse(stdout)).toMatchObject({ object: 'plan', expected: {} })
    else {
      expect(stdout.length).toBeGreaterThan(20)
      expect(stderr).toMatch(/^Its run: http.*#intents\/int_\w+\nplanned: answer\n/)
      expect(stderr).toMatch(/int_\w+ done, \d+ tokens\n$/)
    }
  })
})

test.each(blocks('json'))('the scroll %# fits the published schema and comes to an answer', async (text) => {
  const scroll = JSON.parse(text) as object
  const published = (await (await fetch(`${live.url}/schemas/scroll.json`)).json()) as object
  const validate = new Ajv({ strict: false }).compile(published)
  expect([validate(scroll), validate.errors]).toEqual([true, null])
  const client = new IntentClient(live.url, live.clientKey)
  const whole = await client.done(await client.accepted({ scroll }))
  expect([whole.state, whole.error]).toEqual(['done', null])
  expect(whole.result.choices[0].message.content.length).toBeGreaterThan(20)
})

test('the limits it names are those that hold', () => {
  const named = page.slice(page.indexOf('## Limits'))
  const { scrollNodesMax, scrollNeedsMax, scrollDepthMax, mapItemsMax, voteAnswersMax, planNodesMax, planTasksMax } =
    limits
  const words = [
    `${scrollNodesMax} nodes, ${scrollNeedsMax} needs each, chains of ${scrollDepthMax}`,
    `${limits.intentTasksMax.toLocaleString('en')} tasks`,
    `${mapItemsMax} items of a map, ${voteAnswersMax} answers of a vote`,
    `${limits.bodyBytesMax / 1_048_576} MiB`,
    `${limits.templateCharsMax / 1_024} KiB of texts`,
    `schemas of ${limits.contractSchemaCharsMax / 1_024} KiB`,
    `with ${limits.contractNodesMax.toLocaleString('en')} parts`,
    `answers under a schema of ${limits.contractTextCharsMax / 1_024} KiB`,
  ]
  for (const word of words) expect(named.replaceAll('\n', ' ')).toContain(word)
  expect(page.replaceAll('\n', ' ')).toContain(`held to ${planNodesMax} nodes, ${planTasksMax} tasks`)
})

test.each([
  ['without words', [], 2, 'Say what you want.'],
  ['with an option it does not know', ['--fast', 'x'], 2, '--fast'],
  ['with a template that does not exist', ['--template', 'x', 'y'], 1, '`template` must be one of'],
  ['with a file that does not exist', ['--scroll', '/none.json'], 2, '/none.json'],
])('the command %s says in a sentence what to do', async (_, args, code, words) => {
  const { stderr, exitCode } = await run(`npm run -s intent -- ${args.join(' ')}`)
  expect([exitCode, stderr.includes(words)]).toEqual([code, true])
})
