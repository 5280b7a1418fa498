/** A scout whose operator sends on what it was just given, through another edge than the one it came by. */
import { afterEach, expect, test } from 'vitest'
import type { Edge } from '../../../orchestrator/edge/edge.ts'
import { readReceipt } from '../../../verifier/receipt.ts'
import { until } from '../../support/clocks/until.ts'
import { EdgeHub } from '../../support/edges/edge-hub.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

let hub: EdgeHub

afterEach(() => hub.close())

const loop = 8
const by = { id: 'console', address: '' }
const whole = JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'hello' } }] })

/** Two edges; a scout of an operator that is a client as well, and one of somebody else. */
async function stage() {
  hub = new EdgeHub({ config: { receipts: 'on' } })
  const [one, other] = [await hub.addEdge(), await hub.addEdge()]
  const made = hub.brain.accounts.makeAccount({ name: 'Ada', address: null, role: 'member', limits: null }, by)
  if ('code' in made) throw new Error(made.message)
  const account = made.id
  const [client, scout] = (['client', 'scout'] as const).map((role) =>
    hub.brain.keyring.issue(role, 'own', { account }),
  )
  const [front, back] = [new ScriptedProvider('front', ['front']), new ScriptedProvider('back', ['back'])]
  await hub.addScout(one, 'front', front, { key: scout!.key })
  await hub.addScout(one, 'back', back)
  const ask = async (edge: Edge, model: string, content: string, key = hub.clientKey) => {
    const asked = { model, messages: [{ role: 'user', content }] }
    const response = await hub.post(edge, '/v1/chat/completions', asked, { authorization: `Bearer ${key}` })
    return (await response.json()) as { id: string }
  }
  /** Of the receipt of this answer, once there is one. */
  const flagsOf = async ({ id }: { id: string }) => {
    const task = Number.parseInt(id.slice(id.indexOf('-') + 1), 36)
    const { ledger } = hub.brain.engine
    await until('the receipt', () => typeof ledger!.receipt(task, null) === 'object')
    const response = await hub.get(one, `/v1/receipts/${id}`, hub.adminKey)
    const { receipt } = (await response.json()) as { receipt: string }
    return readReceipt(Buffer.from(receipt, 'base64url')).flags
  }
  return { one, other, front, back, ask, flagsOf, own: client!.key }
}

test('is found, from the first time on, and no request of anybody else', async () => {
  const { one, other, front, back, ask, flagsOf, own } = await stage()
  for (const text of ['once', 'twice']) {
    const outer = ask(one, 'front', text)
    const held = await front.call()
    const sentOn = ask(other, 'back', text, own)
    const unlike = ask(other, 'back', `${text}, but not the same`, own)
    const others = ask(other, 'back', text)
    for (let calls = 0; calls < 3; calls++) {
      const call = await back.call()
      call.done(whole)
    }
    expect((await flagsOf(await sentOn)) & loop).toBe(loop)
    expect((await flagsOf(await unlike)) & loop).toBe(0)
    expect((await flagsOf(await others)) & loop).toBe(0)
    held.done(whole)
    await outer
    const after = ask(other, 'back', text, own)
    const last = await back.call()
    last.done(whole)
    expect((await flagsOf(await after)) & loop).toBe(0)
  }
})
