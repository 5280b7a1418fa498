/**
 * Claude Code itself, as a person would run it: a scripted model behind a scout tells it to write a program and to run
 * it. The program is not part of this project. Where it is installed (`npm install -g @anthropic-ai/claude-code`), or
 * `CLAUDE_CODE` names it, the test runs; elsewhere it is skipped.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AnswerWriter, Provider, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { offerOf } from '../../../shared/task.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'

interface Message {
  role: string
  content: unknown
}

const program = process.env.CLAUDE_CODE ?? Bun.which('claude')
const source = "console.log('the answer is', 6 * 7)\n"
const patienceMs = 120_000

/** A model of three turns: it writes a file, runs it, and tells what came of it. */
class Scripted implements Provider {
  readonly name = 'scripted'
  readonly results: string[] = []

  constructor(private readonly file: string) {}

  async discover() {
    return [offerOf({ kind: 'chat', model: 'scripted-coder', provider: this.name })]
  }

  async answer({ body, stream }: ProviderRequest, writer: AnswerWriter): Promise<ProviderAnswer> {
    const sent = JSON.parse(Buffer.from(body).toString()) as { messages: Message[]; tools?: unknown[] }
    const message = this.turn(sent.messages, (sent.tools ?? []).length > 0)
    const finish = 'tool_calls' in message ? 'tool_calls' : 'stop'
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }
    if (!stream) return { json: JSON.stringify({ choices: [{ index: 0, message, finish_reason: finish }], usage }) }
    const line = (delta: object, reason: string | null) =>
      writer.line(JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] }))
    await line(message, null)
    await line({}, finish)
    return { json: JSON.stringify({ choices: [], usage }) }
  }

  private turn(messages: Message[], hasTools: boolean): object {
    const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => String(content))
    // What it asks for beside the task, such as a title.
    if (!hasTools) return { role: 'assistant', content: 'A small task' }
    this.results.splice(0, this.results.length, ...results)
    if (results.length === 0) return call('Write', { file_path: this.file, content: source })
    if (results.length === 1) return call('Bash', { command: `node ${this.file}`, description: 'Runs it' })
    return { role: 'assistant', content: `It printed: ${results[1]}` }
  }
}

function call(name: string, input: object): object {
  const made = { name, arguments: JSON.stringify(input) }
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ index: 0, id: `call_${name}`, type: 'function', function: made }],
  }
}

test.skipIf(program === null)(
  'Claude Code writes a file and runs it, through hub and scout',
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'chasm-claude-'))
    const work = join(home, 'work')
    mkdirSync(work)
    const file = join(work, 'answer.js')
    const live = new LiveHub()
    const model = new Scripted(file)
    await live.addScout({ name: 'coder', providers: [model] })
    try {
      const task = 'Write answer.js, which prints six times seven, and run it.'
      const child = Bun.spawn(
        [program!, '-p', task, '--model', 'scripted-coder', '--allowedTools', 'Write,Bash', '--output-format', 'json'],
        {
          cwd: work,
          env: {
            ...{ PATH: process.env.PATH, HOME: home, CLAUDE_CONFIG_DIR: join(home, '.claude') },
            ...{ ANTHROPIC_BASE_URL: live.url, ANTHROPIC_AUTH_TOKEN: live.clientKey },
            // Whatever it asks a smaller model for goes to the same one.
            ANTHROPIC_DEFAULT_HAIKU_MODEL: 'scripted-coder',
            ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
          },
          stdin: 'ignore',
          stdout: 'pipe',
          stderr: 'pipe',
        },
      )
      const [out, errors, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ])
      expect([code, errors, out]).toEqual([0, '', expect.stringContaining('result')])
      expect(readFileSync(file, 'utf8')).toBe(source)
      expect(model.results).toHaveLength(2)
      const { result, is_error: isError } = JSON.parse(out) as { result: string; is_error: boolean }
      expect([isError, result]).toEqual([false, expect.stringContaining('It printed: the answer is 42')])
    } finally {
      await live.close()
      rmSync(home, { recursive: true, force: true })
    }
  },
  patienceMs,
)
