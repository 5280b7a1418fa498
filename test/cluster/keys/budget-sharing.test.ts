import { describe, expect, onTestFinished, test } from 'vitest'
import { BudgetSharing } from '../../../orchestrator/cluster/keys/budget-sharing.ts'
import { sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import { type LimitedKey, Tenants } from '../../../orchestrator/tenants/tenants.ts'
import { noLimits } from '../../../shared/keys/key-terms.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { LogModel, type ModelLog } from '../../support/cluster/model-log.ts'
import { networkOf, type TestHub, testHub } from '../../support/cluster/network.ts'

const prefix = 'chasm.test'
const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const duo = networkOf([alpha, beta])
const key: LimitedKey = {
  ...{ id: 'key_1', tenant: 'key_1', account: null, accountLimits: noLimits },
  limits: { ...noLimits, budgets: [{ per: 'month', unit: 'tokens', amount: 1_000 }] },
}

class Stage {
  readonly system = new ManualSystem()
  readonly logs = new LogModel(this.system)

  hub({ name, identity }: TestHub): {
    tenants: Tenants
    log: ModelLog
    use(tokens: number): string | null
    left(): number
  } {
    const tenants = new Tenants({ ofKey: () => [], ofAccount: () => [] })
    const log = this.logs.connect()
    const own = { name, boot: 1 }
    const sign = (subject: string, payload: Uint8Array) =>
      sealMessage({ from: own, to: null, epoch: 2, number: 1 }, subject, payload, identity)
    const membership = { standing: 'member' as const, chain: duo, own, prefix, sign }
    const sharing = new BudgetSharing({ system: this.system, log, membership, tenants })
    sharing.start()
    onTestFinished(() => sharing.stop())
    const now = () => ({ wallMs: this.system.wallMs(), nowMs: this.system.nowMs() })
    const use = (tokens: number) => {
      const amount = { tokens, microDollars: 0 }
      const made = tenants.reserve(key, amount, now())
      if (made === null || 'code' in made) return made?.code ?? null
      tenants.settle(key.id, null, made, amount, this.system.wallMs())
      return null
    }
    return { tenants, log, use, left: () => 1_000 - tenants.budgets(key, now())[0]!.used }
  }

  async pass(durationMs: number): Promise<void> {
    for (let left = durationMs; left >= 0; left -= 50) {
      for (let turns = 0; turns < 8; turns++) {
        this.system.pass(0)
        await new Promise((resolve) => setImmediate(resolve))
      }
      this.system.pass(50)
    }
  }
}

/** Until what one hub used counts at the other. */
const twoLooksMs = 2_200

describe('a budget in a network', () => {
  test('is one: what is used at a hub counts at the other, and at one that starts anew', async () => {
    const stage = new Stage()
    const [a, b] = [stage.hub(alpha), stage.hub(beta)]
    expect(a.use(400)).toBeNull()
    await stage.pass(twoLooksMs)
    expect(b.left()).toBe(600)
    expect(b.use(600)).toBeNull()
    await stage.pass(twoLooksMs)
    expect([a.use(1), b.use(1)]).toEqual(['budget_exceeded', 'budget_exceeded'])
    const anew = stage.hub(beta)
    await stage.pass(twoLooksMs)
    expect(anew.left()).toBe(600)
    expect(anew.use(1)).toBe('budget_exceeded')
  })

  test('is used by shares while hubs are apart, and counted once they are not', async () => {
    const stage = new Stage()
    const [a, b] = [stage.hub(alpha), stage.hub(beta)]
    for (const { log } of [a, b]) log.cut(true)
    await stage.pass(twoLooksMs)
    for (const { use } of [a, b]) {
      expect([use(250), use(250), use(250)]).toEqual([null, null, 'rate_limited'])
    }
    for (const { log } of [a, b]) log.cut(false)
    await stage.pass(twoLooksMs)
    expect([a.left(), b.left()]).toEqual([0, 0])
  })

  test('hears nothing from who is no authority, nor from one about another', async () => {
    const stage = new Stage()
    const b = stage.hub(beta)
    b.use(100)
    await stage.pass(twoLooksMs)
    const most = { tokens: 1_000, microDollars: 0 }
    const text = JSON.stringify({ day: 19_000, used: { day: most, week: most, month: most } })
    const day = Math.floor(stage.system.wallMs() / 86_400_000)
    const today = Buffer.from(text.replace('19000', String(day)))
    const mallory = testHub('mallory', 66)
    for (const [by, under] of [
      [mallory, 'mallory'],
      [{ ...mallory, name: 'alpha' }, 'alpha'],
      [{ ...mallory, name: 'beta' }, 'beta'],
      [beta, 'alpha'],
    ] as const) {
      const subject = `${prefix}.use.${under}.key_1`
      const head = { from: { name: by.name, boot: 1 }, to: null, epoch: 2, number: 1 }
      stage.logs.append(subject, sealMessage(head, subject, today, by.identity), stage.logs.lastOf(subject))
    }
    await stage.pass(twoLooksMs)
    expect(b.left()).toBe(900)
    // What was written over its own last word is said again.
    const a = stage.hub(alpha)
    await stage.pass(twoLooksMs)
    expect(a.left()).toBe(900)
    const last = stage.logs.of(`${prefix}.use.beta.key_1`).at(-1)!
    expect(Buffer.from(last.message).includes('"tokens":100')).toBe(true)
  })
})
