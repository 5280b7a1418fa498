/** Receipts of intents in a network: each task has one, at the hub whose journal its settlement stands in. */
import { describe, expect, test } from 'vitest'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'

const names = ['alpha', 'beta', 'gamma']

/** Three hubs that know each other, the first with a scout at work on the one task of an intent. */
async function atWork() {
  const stage = new EngineNetwork(names)
  await stage.until('all to be here', () => names.every((name) => stage.hub(name).network.counts().here === 2))
  const a = stage.hub('alpha')
  let id = ''
  void a.bench.accepted({ answer: [] }).then((given) => {
    id = given
  })
  await stage.until('the intent to be accepted', () => id !== '')
  return { stage, a, id, work: await workAt(stage, a) }
}

async function workAt(stage: EngineNetwork, { bench }: EngineHub) {
  bench.join(['m'], 1)
  await stage.until('the lease', () => bench.sent.some(({ frame }) => frame.type === 'task'))
  return bench.work()
}

/** Tasks whose receipts this hub has sealed, and those whose receipts it has yet to seal. */
function receiptsOf({ fickle: { disk } }: EngineHub): { sealed: number[]; waiting: number[] } {
  return { sealed: [...disk.receiptPlaces.keys()], waiting: [...disk.earned.keys()] }
}

describe('a receipt in a network', () => {
  test('is sealed after the settlement that the servers took long to take, and not again by the next process', async () => {
    const { stage, a, id, work } = await atWork()
    a.log.cut(true)
    a.bench.finish(work, 'hello')
    await stage.pass(3_000)
    expect(receiptsOf(a)).toEqual({ sealed: [], waiting: [] })
    a.log.cut(false)
    await stage.until('its end', () => a.bench.engine.intents.intent(id, null)?.state === 'done')
    await stage.pass(3_000)
    const once = { sealed: [work.lease.task], waiting: [] }
    expect(receiptsOf(a)).toEqual(once)
    const again = a.restart()
    await stage.pass(3_000)
    expect(receiptsOf(again)).toEqual(once)
    expect(again.bench.defects).toEqual([])
  })

  test('is given by the hub that took the task over, and not by the one that was cut off', async () => {
    const { stage, a, id, work } = await atWork()
    a.cut(true)
    a.bench.finish(work, 'late')
    const others = [stage.hub('beta'), stage.hub('gamma')]
    const taker = () => others.find(({ bench }) => bench.engine.core.state.intents.has(id))
    await stage.until('another hub to have it', () => taker() !== undefined)
    const at = taker()!
    a.cut(false)
    await stage.until('its scout to hear', () => a.bench.sent.some(({ frame }) => frame.type === 'settled'))
    at.bench.finish(await workAt(stage, at), 'hello')
    await stage.until('its end', () => at.bench.engine.intents.intent(id, null)?.state === 'done')
    await stage.pass(3_000)
    expect(receiptsOf(at)).toEqual({ sealed: [work.lease.task], waiting: [] })
    expect(receiptsOf(a)).toEqual({ sealed: [], waiting: [] })
    expect(a.bench.engine.ledger!.receipt(work.lease.task, null)).toBeUndefined()
    expect(a.bench.defects).toEqual([])
  })
})
