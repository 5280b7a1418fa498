/** Budgets and models of keys in durable work: reserved when it is accepted, restored after a restart. */
import { expect, test } from 'vitest'
import type { ChargedKey } from '../../../orchestrator/engine/ports/charged-key.ts'
import type { PlannedTask, PlannerFunctions } from '../../../orchestrator/engine/ports/planner.ts'
import { type KeyLimits, noLimits, noScopes, storedLimits, storedScopes } from '../../../shared/keys/key-terms.ts'
import { bytesOf, deltaLine, finishLine, roleLine } from '../../support/hub/engine-bench.ts'
import { FickleDisk, IntentsBench } from '../../support/hub/intents-stage.ts'

const tokensADay = (amount: number): KeyLimits => ({ ...noLimits, budgets: [{ unit: 'tokens', per: 'day', amount }] })

/** A key that is on the disk, where a restart finds its limits. */
function keyOn({ disk }: FickleDisk, limits: KeyLimits, models: readonly string[] | null = null): ChargedKey {
  const times = { createdMs: 0, expiresMs: null, revokedMs: null }
  const own = { id: 'k', role: 'client', name: 'k', digest: 'k', weight: 1, tenant: 'k', account: null } as const
  const rest = { scopes: null, limits: storedLimits(limits), last4: null, generation: 1 }
  disk.keys.set('k', { ...own, ...times, ...rest })
  return { ...own, scopes: { ...noScopes, models }, limits, accountLimits: noLimits }
}

/** For each 50 tokens are set aside. */
function node(name: string, needs: string[] = [], model = 'm'): PlannedTask {
  const request = bytesOf(JSON.stringify({ max_tokens: 30, messages: [] }).padEnd(60))
  return { node: name, kind: 'chat', model, needs, request }
}

async function accept(bench: IntentsBench, key: ChargedKey, tasks: PlannedTask[]) {
  const rest = { tenant: 'k', weight: 1, priority: 5, deadlineMs: 60_000, metadata: {} }
  const accepted = bench.engine.intents.accept({ ...rest, key, plan: { tasks, resultNode: tasks.at(-1)!.node } })
  bench.turn()
  return accepted
}

function usedBy({ engine, system }: IntentsBench, key: ChargedKey) {
  const now = { wallMs: system.wallMs(), nowMs: system.nowMs() }
  const { used, reserved } = engine.tenants.budgets(key, now)[0]!
  return { used, reserved }
}

function answerOne(bench: IntentsBench, prompt: number, completion: number): void {
  const work = bench.work()
  work.say(roleLine, deltaLine('a'), finishLine)
  work.done(`{"choices":[],"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion}}}`)
  bench.turn()
}

test('a plan is admitted whole or not at all', async () => {
  const fickle = new FickleDisk()
  const bench = new IntentsBench(fickle)
  const key = keyOn(fickle, tokensADay(120))
  const refused = await accept(bench, key, [node('a'), node('b', ['a']), node('c', ['b'])])
  expect(refused).toMatchObject({ type: 'refused', fault: { code: 'budget_exceeded' } })
  expect(usedBy(bench, key)).toEqual({ used: 0, reserved: 0 })
  expect(fickle.disk.intents.size).toBe(0)
  expect(await accept(bench, key, [node('a'), node('b', ['a'])])).toMatchObject({ type: 'accepted' })
  expect(usedBy(bench, key)).toEqual({ used: 0, reserved: 100 })
})

test('what its nodes used takes the place of what was reserved, also after a restart', async () => {
  const fickle = new FickleDisk()
  const bench = new IntentsBench(fickle)
  const key = keyOn(fickle, tokensADay(1_000))
  bench.join(['m'], 1)
  await accept(bench, key, [node('a'), node('b', ['a'])])
  answerOne(bench, 20, 5)
  expect(usedBy(bench, key)).toEqual({ used: 25, reserved: 50 })
  const next = bench.restart()
  expect(usedBy(next, key)).toEqual({ used: 25, reserved: 50 })
  next.join(['m'], 1)
  answerOne(next, 10, 5)
  expect(usedBy(next, key)).toEqual({ used: 40, reserved: 0 })
  const [point] = next.store.usageOfDays('k', 'k', 0)
  expect(point!.tokens).toBe(40)
})

test('a cancelled intent, and one that the disk refuses, leave nothing reserved', async () => {
  const fickle = new FickleDisk()
  const bench = new IntentsBench(fickle)
  const key = keyOn(fickle, tokensADay(1_000))
  const accepted = await accept(bench, key, [node('a'), node('b', ['a'])])
  if (accepted.type !== 'accepted') throw new Error('refused')
  const cancelled = bench.engine.intents.cancel(accepted.id, 'k')
  bench.turn()
  expect(await cancelled).toBeNull()
  expect(usedBy(bench, key)).toEqual({ used: 0, reserved: 0 })
  fickle.trouble = 'full'
  expect(await accept(bench, key, [node('a')])).toMatchObject({ fault: { code: 'store_unavailable' } })
  expect(usedBy(bench, key)).toEqual({ used: 0, reserved: 0 })
})

test('a node for a model that its key may not use is refused, and `auto` keeps to those it may', async () => {
  const fickle = new FickleDisk()
  const bench = new IntentsBench(fickle)
  const key = keyOn(fickle, noLimits, ['open-*'])
  expect(await accept(bench, key, [node('a', [], 'secret-1')])).toMatchObject({ fault: { code: 'model_not_found' } })
  bench.join(['secret-1'], 1)
  await accept(bench, key, [node('a', [], 'auto')])
  expect(bench.take('task')).toEqual([])
  const allowed = bench.join(['open-1'], 1)
  expect(bench.work().session).toBe(allowed)
})

test('a node that joins is held to the budget and the models of the key', async () => {
  const grown = { model: 'm' }
  const planner: PlannerFunctions = {
    decide: ({ node: name }) => ({
      type: 'expand',
      tasks: [node(`${name}.1`, [], grown.model)],
      waitFor: [`${name}.1`],
    }),
    render: () => bytesOf('{}'),
    checkContract: () => null,
  }
  const control: PlannedTask = { node: 'a', kind: 'chat', model: 'map', needs: [], request: bytesOf('{}'), control: {} }
  const endOf = async (limits: KeyLimits, models: readonly string[] | null, model: string) => {
    grown.model = model
    const fickle = new FickleDisk()
    const bench = new IntentsBench(fickle, {}, 3, fickle.open(), planner)
    const key = keyOn(fickle, limits, models)
    // What stands on the disk counts for nodes that join, whatever the request came with.
    fickle.disk.keys.get('k')!.scopes = storedScopes({ ...noScopes, models })
    const accepted = await accept(bench, key, [control])
    if (accepted.type !== 'accepted') throw new Error(accepted.fault.message)
    bench.turn()
    return { fault: bench.engine.intents.intent(accepted.id, 'k')!.fault?.code, ...usedIfLimited(bench, key) }
  }
  expect(await endOf(tokensADay(1_000), null, 'm')).toEqual({ used: 0, reserved: 50 })
  expect(await endOf(tokensADay(40), null, 'm')).toEqual({ fault: 'budget_exceeded', used: 0, reserved: 0 })
  expect(await endOf(noLimits, ['open-*'], 'secret-1')).toEqual({ fault: 'model_not_found' })
})

function usedIfLimited(bench: IntentsBench, key: ChargedKey) {
  return key.limits.budgets.length === 0 ? {} : usedBy(bench, key)
}
