/**
 * What scopes, rates and budgets cost: of one chat, from its admission to its settlement, with everything limited on
 * key and account and with nothing limited, in turns; and how long a month of usage takes to be read from a large
 * table. `npm run bench:tenants`; of chats the median of the pairs is shown with the least and the most, of reads the
 * fastest run, since the machine is shared.
 */
import { Database } from 'bun:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CapabilityIndex } from '../../orchestrator/core/fleet/capability-index.ts'
import { askedOf } from '../../orchestrator/engine/answers/asked.ts'
import { Charges } from '../../orchestrator/engine/charges/charges.ts'
import { ModelPrices } from '../../orchestrator/engine/charges/model-prices.ts'
import type { ChargedKey } from '../../orchestrator/engine/ports/charged-key.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { mayAskFor } from '../../orchestrator/tenants/scopes.ts'
import { Tenants } from '../../orchestrator/tenants/tenants.ts'
import {
  type Budget,
  budgetPeriods,
  budgetUnits,
  type KeyLimits,
  noLimits,
  noScopes,
} from '../../shared/keys/key-terms.ts'
import { offerOf } from '../../shared/task.ts'
import { median } from '../scenarios/scenario.ts'

const runs = 7
const pairs = 15
const chats = 100_000
const amount = 2 ** 50
const wallMs = 1_790_000_000_000

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const budgets: Budget[] = budgetPeriods.flatMap((per) => budgetUnits.map((unit) => ({ per, unit, amount })))
const everything: KeyLimits = { requestsPerMinute: amount, tokensPerMinute: amount, budgets }
const unlimited: ChargedKey = {
  ...{ id: 'k', tenant: 'a', account: 'a', scopes: noScopes, limits: noLimits, accountLimits: noLimits },
}
const limited = { ...unlimited, scopes: { models: ['qwen*', 'm'] }, limits: everything, accountLimits: everything }

const content = 'What does the moon do to the tides, and why are there two of them a day? '.repeat(4)
const body = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], max_tokens: 200 }))
const use = { model: 'm', promptTokens: 90, completionTokens: 150, isEstimated: false }
const served = { promptPrice: 500_000, answerPrice: 800_000 }

/** What carries out chats of this key; a call gives the microseconds of one, out of many. */
function chatsOf(key: ChargedKey): () => number {
  const index = new CapabilityIndex()
  index.enter([offerOf({ kind: 'chat', model: 'm', provider: 'p', ...served })], 0)
  const tenants = new Tenants({ ofKey: () => [], ofAccount: () => [] })
  const system = { wallMs: () => wallMs, nowMs: () => performance.now() }
  const charges = new Charges(tenants, new ModelPrices(index), system)
  const task = { kind: 'chat' as const, model: 'm', requires: null, isOpen: true, requestBytes: body.length }
  return () => {
    const beganMs = performance.now()
    for (let chat = 0; chat < chats; chat++) {
      if (!mayAskFor(key.scopes, 'm')) throw new Error('the scope refuses')
      if (tenants.begin(key, { wallMs, nowMs: beganMs }) !== null) throw new Error('the rate refuses')
      const tab = charges.open(key, task, () => askedOf(body))
      if ('code' in tab) throw new Error('the budget refuses')
      charges.close(tab, use, served)
    }
    return ((performance.now() - beganMs) * 1_000) / chats
  }
}

/** In turns, so that what else the machine does weighs on both alike. */
function paired(): { without: number[]; more: number[] } {
  const [free, all] = [chatsOf(unlimited), chatsOf(limited)]
  for (const warmUp of [free, all]) warmUp()
  const without: number[] = []
  const more = Array.from({ length: pairs }, () => {
    const one = free()
    without.push(one)
    return all() - one
  })
  return { without, more }
}

/** Milliseconds for what one account, and for what everybody used in the last 30 days, of so many rows. */
function monthOfUsage(rows: number): { ofAccount: number; ofAll: number } {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-usage-'))
  const store = openSqlite(join(folder, 'hub.db'), { mayCreate: true, checkWhole: false })
  if ('flaw' in store) throw new Error(store.flaw)
  const days = 400
  fillUsage(join(folder, 'hub.db'), { rows, days, keys: 50 })
  const span = { by: 'day', from: days - 30, to: days - 1, limit: 1_001 } as const
  const fastest = (tenant: string | null) => {
    let best = Number.POSITIVE_INFINITY
    for (let run = 0; run < runs; run++) {
      const beganMs = performance.now()
      if (store.usagePoints({ ...span, tenant }).length === 0) throw new Error('no usage')
      best = Math.min(best, performance.now() - beganMs)
    }
    return best
  }
  const read = { ofAccount: fastest('acc_1'), ofAll: fastest(null) }
  store.close()
  rmSync(folder, { recursive: true })
  return read
}

/** By SQL: a tally for each of so many rows would take minutes. */
function fillUsage(path: string, { rows, days, keys }: { rows: number; days: number; keys: number }): void {
  const db = new Database(path)
  const add = db.prepare(
    `INSERT INTO usage_day (day, tenant, key, model, tasks, failed, prompt_tokens, completion_tokens, micro_dollars,
       estimated) VALUES (?, ?, ?, 'm', 9, 1, 900, 900, 77, 0)`,
  )
  db.transaction(() => {
    for (let row = 0; row < rows; row++) {
      const tenant = Math.floor(row / days) % (rows / days / keys)
      add.run(row % days, `acc_${tenant}`, `key_${tenant}_${Math.floor((row * keys) / rows)}`)
    }
  })()
  db.close()
}

const { without, more } = paired()
const sorted = more.toSorted((one, other) => one - other)
const span = `${sorted[0]!.toFixed(2)} to ${sorted.at(-1)!.toFixed(2)}`
print(`| one chat, nothing limited | ${median(without).toFixed(2)} µs |`)
print(
  `| more with all limited on key and account, median of ${pairs} pairs | ${median(more).toFixed(2)} µs (${span}) |`,
)
const { ofAccount, ofAll } = monthOfUsage(1_000_000)
print(`| 30 days of an account, of 1,000,000 rows | ${ofAccount.toFixed(1)} ms |`)
print(`| 30 days of everybody, the first 1,000 rows | ${ofAll.toFixed(1)} ms |`)
