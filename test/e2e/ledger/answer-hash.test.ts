/** What the official SDK gives is what the receipt of the answer covers: the example of the documentation finds it. */
import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChoiceTexts, isAttested, type Proof } from '../../../docs/examples/answer-hash.ts'
import { until } from '../../support/clocks/until.ts'
import { type ClientStage, openClientStage, sdkOf, seenModel } from '../../support/hub/client-stage.ts'
import { startExample } from '../../support/machine/programs.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { chunk, events, identity } from '../../support/providers/openai-stand-in.ts'

let stage: ClientStage
let openai: OpenAI
beforeAll(async () => {
  stage = await openClientStage()
  openai = sdkOf(stage.hub)
})
afterAll(() => stage.close())

const messages = [{ role: 'user' as const, content: 'How is the "weather" in Zürich?' }]
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }]

/** As the hub gives it to the client. */
async function proofOf(id: string): Promise<Proof> {
  const { hub } = stage
  const task = Number.parseInt(id.slice('chatcmpl-'.length), 36)
  await until('the receipt to be sealed', () => typeof hub.hub.engine.ledger!.receipt(task, null) === 'object')
  return await openai.get<Proof>(`/receipts/${id}`)
}

/** It covers exactly these texts: with one more letter it does not. */
async function expectAttested({ id, choices }: { id: string; choices: readonly ChoiceTexts[] }): Promise<void> {
  const proof = await proofOf(id)
  expect(isAttested(proof, choices)).toBe(true)
  const [first, ...more] = choices
  const other = { ...first!, message: { ...first!.message, refusal: `${first!.message.refusal ?? ''}.` } }
  expect(isAttested(proof, [other, ...more])).toBe(false)
}

describe('the receipt covers what the SDK gives', () => {
  const asked = { model: 'demo-small', messages }

  test('of a chat, and of several choices', async () => {
    await expectAttested(await openai.chat.completions.create(asked))
    await expectAttested(await openai.chat.completions.create({ ...asked, n: 2 }))
  })

  test('of a streamed chat', async () => {
    await expectAttested(await openai.chat.completions.stream(asked).finalChatCompletion())
    await expectAttested(await openai.chat.completions.stream({ ...asked, n: 2 }).finalChatCompletion())
  })

  test('of tool calls, whole and streamed', async () => {
    const calling = { ...asked, tools, tool_choice: 'required' as const }
    const whole = await openai.chat.completions.create(calling)
    expect(whole.choices[0]!.message.tool_calls).toMatchObject([{ function: { name: 'weather' } }])
    await expectAttested(whole)
    const streamed = await openai.chat.completions.stream(calling).finalChatCompletion()
    expect(streamed.choices[0]!.message.tool_calls).toMatchObject([{ function: { name: 'weather' } }])
    await expectAttested(streamed)
  })

  test('of a refusal, whole and streamed', async () => {
    const refused = { ...asked, model: seenModel }
    const refusal = 'Nobody is told „that“.'
    stage.standIn.script(() => {
      const message = { role: 'assistant', content: null, refusal }
      return Response.json({ ...identity, choices: [{ index: 0, message, finish_reason: 'stop' }] })
    })
    const whole = await openai.chat.completions.create(refused)
    expect(whole.choices[0]!.message.refusal).toBe(refusal)
    await expectAttested(whole)
    stage.standIn.script(() =>
      events(async (send) => {
        await send(chunk({ role: 'assistant', content: null, refusal: '' }))
        for (const piece of refusal.split(' ')) await send(chunk({ refusal: piece }))
        await send(`${chunk({}, 'stop')}data: [DONE]\n\n`)
      }),
    )
    const streamed = await openai.chat.completions.stream(refused).finalChatCompletion()
    expect(streamed.choices[0]!.message.refusal).toBe(refusal.replaceAll(' ', ''))
    await expectAttested(streamed)
  })
})

test('the example asks, reads, and finds its answer attested; without a key it says why it cannot', async () => {
  const { hub } = stage
  const env = { CHASM_URL: hub.baseURL, CHASM_KEY: hub.clientKey }
  const program = startExample('answer-hash.ts', temporaryFolder(), env)
  expect([await program.exited, program.stderr]).toEqual([0, ''])
  expect(program.stdout).toMatch(/\n\nAttested: chatcmpl-[0-9a-z]+\n$/)
  const stranger = startExample('answer-hash.ts', temporaryFolder(), { ...env, CHASM_KEY: 'none' })
  expect(await stranger.exited).not.toBe(0)
  expect(stranger.stderr).toContain('401')
})
