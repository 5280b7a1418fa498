/**
 * The command that measures rates with models: against a real server on loopback that plays them with synthetic texts,
 * which limits its callers and breaks off once; then with what was recorded alone. And the arithmetic of its verdict.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, large, type Model, promptOf, small } from '../../../bench/trust/texts.ts'
import { Random } from '../../../orchestrator/core/model/random.ts'
import { boundsOf, judge } from '../../../orchestrator/trust/calibration/verdict.ts'
import { solved } from '../../support/trust/word-problems.ts'

const key = 'secret-of-the-test'
const folder = mkdtempSync(join(tmpdir(), 'chasm-calibrate-'))
const command = join(import.meta.dirname, '../../../orchestrator/commands/trust.ts')
const random = new Random(5)
const prompts = join(folder, 'prompts.txt')
const asked = new Map<string, number>()
/** Requests until the service is down, and what it answers until then. */
let downAfter = Number.POSITIVE_INFINITY
let limited = 0

const models: Record<string, { model: Model; wrong: number }> = {
  large: { model: large, wrong: 0.01 },
  small: { model: small, wrong: 0.4 },
}

function said(name: string, prompt: string): string {
  const { model, wrong } = models[name]!
  const number = solved(prompt)
  if (number === null) return answerOf(model, promptOf(Number(/\d+/.exec(prompt)![0])), random)
  return `That makes ${random.unit() < wrong ? number + 1 : number}.`
}

const service = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    if (request.headers.get('authorization') !== `Bearer ${key}`) return new Response('', { status: 401 })
    if (downAfter-- <= 0) return new Response('gone', { status: 403 })
    // Now and then its caller is too fast.
    if (limited++ % 400 === 399) return new Response('', { status: 429, headers: { 'retry-after': '0' } })
    const { model, messages } = (await request.json()) as { model: string; messages: [{ content: string }] }
    asked.set(model, (asked.get(model) ?? 0) + 1)
    const message = { role: 'assistant', content: said(model, messages[0].content) }
    return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }] })
  },
})

beforeAll(() => writeFileSync(prompts, Array.from({ length: 240 }, (_, at) => `What about ${at}?\n`).join('')))
afterAll(async () => {
  await service.stop(true)
  rmSync(folder, { recursive: true })
})

async function calibrate(args: string[], url = `http://127.0.0.1:${service.port}/v1`) {
  const env = { ...process.env, CALIBRATE_URL: url, CALIBRATE_KEY: key }
  const child = Bun.spawn([process.execPath, '--no-env-file', command, ...args], {
    ...{ env, cwd: folder, stdout: 'pipe', stderr: 'pipe' },
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { code: await child.exited, out, err }
}

const answers = join(folder, 'answers.jsonl')
const named = ['--honest', 'large', '--other', 'small', '--prompts', prompts, '--pace', '1000', '--questions', '40']

const linesOf = (path: string) => readFileSync(path, 'utf8').trim().split('\n')

describe('calibrate', () => {
  test('ends where the service does, and says how to go on', async () => {
    downAfter = 5
    const { code, out, err } = await calibrate(['calibrate', answers, ...named])
    downAfter = Number.POSITIVE_INFINITY
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('large is refused with 403. Run the same line again to go on')
    expect(err + readFileSync(answers, 'utf8')).not.toContain(key)
    expect(linesOf(answers)).toHaveLength(5)
  })
  test('says what is wrong with its arguments and its environment', async () => {
    expect((await calibrate(['calibrate', answers])).err).toContain('Name at least one honest deployment')
    expect((await calibrate(['calibrate', answers, '--honest', 'a', '--other', 'a'])).err).toContain('named once')
    const nowhere = await calibrate(['calibrate', join(folder, 'none.jsonl'), ...named], '')
    expect(nowhere.err).toContain('Set CALIBRATE_URL')
    expect(existsSync(join(folder, 'none.jsonl'))).toBe(false)
  })
  test('goes on where it was, and prints rates with a verdict', async () => {
    writeFileSync(answers, `${readFileSync(answers, 'utf8')}{"id":"cut o`)
    const { code, out, err } = await calibrate(['calibrate', answers, ...named])
    expect([code, err]).toEqual([0, expect.stringContaining('of 1600 answers are to be asked for')])
    expect(asked.get('large')! + asked.get('small')!).toBe(1_600)
    expect(out).toMatch(/\| large \| \d+\.\d \(.* to .*\) \|/)
    expect(out).toContain('| small (other) |')
    expect(out).toContain('240 pairs of honest answers')
    expect(out).toMatch(/small: found after about \d+ tasks/)
  })
  test('asks nobody for what is recorded, and comes to the same', async () => {
    const before = new Map(asked)
    const again = await calibrate(['calibrate', answers, ...named])
    const recorded = await calibrate(['calibrate', answers, ...named, '--recorded'], '')
    expect(recorded).toEqual(again)
    expect(asked).toEqual(before)
  })
})

describe('the verdict', () => {
  const rate = (model: string, isHonest: boolean, odd: number, gross: number, wrong: number, of = 1_000) => ({
    ...{ model, isHonest, inconclusive: 0 },
    odd: { count: odd, of },
    gross: { count: gross, of },
    wrong: { count: wrong, of },
  })
  const judged = (...rates: ReturnType<typeof rate>[]) => judge({ pairs: 500, level: 3, rates })

  test('is safe where the mean likelihood ratio of honest deployments is at most 1', () => {
    const { verdict, wanted, models } = judged(rate('m', true, 20, 2, 20), rate('s', false, 100, 20, 250))
    expect([verdict, wanted]).toEqual(['safe', null])
    expect(models[0]!.ratio).toBeLessThan(1)
    expect(models[1]!.tasksToConvict).toBeGreaterThan(1_000)
    expect(models[1]!.tasksToConvict).toBeLessThan(3_000)
  })
  test('is not where an honest deployment fails more than is assumed; what would be safe is named', () => {
    const { verdict, wanted } = judged(rate('m', true, 90, 10, 60), rate('s', false, 200, 100, 300))
    expect(verdict).toBe('unsafe')
    expect(wanted!.constants.odd.honest).toBeGreaterThan(0.09)
    expect(wanted!.models[0]!.ratioHigh).toBeLessThanOrEqual(1)
  })
  test('is open while too little was asked', () => {
    expect(judged(rate('m', true, 1, 0, 1, 50)).verdict).toBe('unknown')
    expect(judge({ pairs: 50, level: 3, rates: [rate('m', true, 0, 0, 0)] }).verdict).toBe('unknown')
  })
  test('says of what is like the honest ones that it is not found', () => {
    const { models } = judged(rate('m', true, 20, 2, 20), rate('s', false, 20, 2, 20))
    expect(models[1]!.tasksToConvict).toBe(Number.POSITIVE_INFINITY)
  })
  test("takes shares with Wilson's interval", () => {
    const { rate: share, low, high } = boundsOf({ count: 5, of: 100 })
    expect(share).toBe(0.05)
    expect([low, high].map((one) => Math.round(1_000 * one))).toEqual([25, 99])
    expect(boundsOf({ count: 0, of: 0 })).toEqual({ rate: 0, low: 0, high: 1 })
  })
})
