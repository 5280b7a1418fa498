/**
 * Codex as it comes from npm, with a base URL and a key: it has a model write a file and run it. The model is scripted;
 * hub, scout and Codex are real. Skipped where Codex is not installed: put it into node_modules, or name it in `CODEX`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientStage, openClientStage, seenModel } from '../../../support/hub/client-stage.ts'
import { temporaryFolder } from '../../../support/machine/temporary-folder.ts'
import { chunk, events } from '../../../support/providers/openai-stand-in.ts'
import type { Json } from '../../../support/providers/provider-calls.ts'

const codex = process.env.CODEX ?? join(import.meta.dirname, '../../../../node_modules/.bin/codex')

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

const command = "echo 'echo forty-$((1 + 1))' > answer.sh && sh answer.sh"

/** The arguments of a call of the tool that runs commands, which has had several forms. */
function shellCall(tools: readonly Json[]): { name: string; arguments: string } {
  const named = new Map(tools.map(({ function: tool }) => [tool.name as string, tool.parameters.properties as Json]))
  for (const name of ['exec_command', 'shell_command', 'shell', 'local_shell']) {
    const properties = named.get(name)
    if (properties === undefined) continue
    const field = ['cmd', 'command'].find((key) => properties[key] !== undefined)!
    const sent = properties[field].type === 'array' ? ['sh', '-c', command] : command
    return { name, arguments: JSON.stringify({ [field]: sent }) }
  }
  throw new Error(`Codex offers no tool that runs commands, but ${[...named.keys()].join(', ')}`)
}

/** A model that runs one command, and then says what it read. */
function answer({ body }: { body: Json }): Response {
  const { messages, tools } = body as { messages: Json[]; tools: Json[] }
  const last = messages.at(-1)!
  return events(async (send) => {
    if (last.role === 'tool') {
      await send(chunk({ role: 'assistant', content: `It said: ${/forty-\d/.exec(last.content)?.[0]}` }, 'stop'))
    } else {
      const call = { index: 0, id: 'call_run', type: 'function', function: shellCall(tools) }
      await send(chunk({ role: 'assistant', content: null, tool_calls: [call] }, 'tool_calls'))
    }
    await send('data: [DONE]\n\n')
  })
}

test.skipIf(!existsSync(codex))(
  'Codex writes a file and runs it',
  async () => {
    const folder = temporaryFolder()
    for (let turn = 0; turn < 4; turn++) stage.standIn.script(answer)
    const provider = `{name="chasm",base_url="${stage.hub.baseURL}",env_key="CHASM_KEY",wire_api="responses"}`
    const settings = ['model_provider="chasm"', `model_providers.chasm=${provider}`, 'web_search="disabled"']
    const child = Bun.spawn(
      [
        ...[codex, 'exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '-m', seenModel],
        ...settings.flatMap((one) => ['-c', one]),
        'Write answer.sh and run it.',
      ],
      {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, CHASM_KEY: stage.hub.clientKey },
        ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
      },
    )
    const [said, told] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    const exit = await child.exited
    expect({ exit, said, told }).toMatchObject({ exit: 0, said: expect.stringContaining('It said: forty-2') })
    expect(readFileSync(join(folder, 'answer.sh'), 'utf8')).toBe('echo forty-$((1 + 1))\n')
  },
  120_000,
)
