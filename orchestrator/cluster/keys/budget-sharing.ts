/**
 * Budgets that hold in a whole network: each hub tells the others, once a second, what it has used of the budgets of
 * keys and accounts, and counts what they have used. Between two words a hub may use a share of what is left
 * (`tenants/spending.ts`), so that nobody is asked before a request. The log keeps the last word of each hub on each
 * key: a hub that starts reads them all, and until it has it uses shares of everything.
 */
import { z } from 'zod'
import { usageSumMax } from '../../../shared/limits/answers.ts'
import { useAtOnce, useLookMs } from '../../../shared/limits/cluster/keys.ts'
import type { System, Timer } from '../../../shared/system.ts'
import type { UsedSums } from '../../tenants/elsewhere.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { LoggedMessage, SharedLog } from '../journal/log.ts'
import type { Membership } from '../membership.ts'
import { openMessage, signedBytes } from '../roster/message.ts'
import type { RosterChain } from '../roster/roster-chain.ts'

interface BudgetSharingParts {
  system: System
  log: SharedLog
  membership: Pick<Membership, 'standing' | 'chain' | 'own' | 'prefix' | 'sign'>
  tenants: Pick<Tenants, 'joinNetwork' | 'usedInNetwork' | 'untold' | 'forgetTold'>
}

const amount = z.strictObject({
  tokens: z.int().min(0).max(usageSumMax),
  microDollars: z.int().min(0).max(usageSumMax),
})
const form = z.strictObject({
  day: z.int().min(0),
  used: z.strictObject({ day: amount, week: amount, month: amount }),
})

export class BudgetSharing {
  private timer: Timer | null = null
  private isStopped = false
  private cursor = 0
  /** With which number the subjects of this hub end, by the id of the key or account. */
  private readonly ends = new Map<string, number>()

  constructor(private readonly parts: BudgetSharingParts) {
    const { tenants, membership } = parts
    tenants.joinNetwork(() => membership.chain.latest.hubs.length)
  }

  start(): void {
    this.timer = this.parts.system.after(0, () => void this.look())
  }

  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
  }

  private async look(): Promise<void> {
    const { log, membership, system } = this.parts
    const isWell = log.apart === null && membership.standing === 'member'
    if (isWell && (await this.readOn())) await this.tell()
    if (!this.isStopped) this.timer = system.after(useLookMs, () => void this.look())
  }

  private async readOn(): Promise<boolean> {
    const { log, membership } = this.parts
    const pattern = `${membership.prefix}.use.*.*`
    const end = await log.last(pattern)
    if (end === 'unsure') return false
    while (this.cursor < end) {
      const next = await log.after(pattern, this.cursor)
      if (next === 'unsure' || this.isStopped) return false
      this.cursor = next.seq
      this.take(next)
    }
    return true
  }

  private take({ subject, seq, message }: LoggedMessage): void {
    const { membership, tenants } = this.parts
    const [hub, id] = subject.split('.').slice(-2) as [string, string]
    const isOwn = hub === membership.own.name
    if (isOwn) this.ends.set(id, seq)
    const sums = readUse(message, subject, hub, membership.chain)
    if (sums !== null) tenants.usedInNetwork(isOwn ? null : hub, id, sums)
    // Somebody has written over the last word of this hub.
    else if (isOwn) tenants.forgetTold(id)
  }

  private async tell(): Promise<void> {
    const { tenants, system } = this.parts
    const untold = tenants.untold(system.wallMs(), useAtOnce)
    await Promise.all(untold.map(({ id, sums }) => this.tellOf(id, sums)))
  }

  private async tellOf(id: string, sums: UsedSums): Promise<void> {
    const { log, membership, tenants } = this.parts
    const subject = `${membership.prefix}.use.${membership.own.name}.${id}`
    const message = membership.sign(subject, Buffer.from(JSON.stringify(sums)))
    const outcome = await log.append(subject, message, this.ends.get(id) ?? 0)
    if (typeof outcome === 'object') {
      this.ends.set(id, outcome.seq)
      return tenants.usedInNetwork(null, id, sums)
    }
    const end = outcome === 'conflict' ? await log.last(subject) : 'unsure'
    if (end !== 'unsure') this.ends.set(id, end)
  }
}

/** What an authority of now says of itself; null for everything else. */
function readUse(message: Uint8Array, subject: string, hub: string, chain: RosterChain): UsedSums | null {
  const opened = openMessage(message)
  const authority = chain.authority(hub)
  if (opened === null || authority === undefined || opened.head.from.name !== hub) return null
  const { headBytes, payload, signature } = opened
  if (!authority.publicKey.verifies(signedBytes(headBytes, subject, payload), signature)) return null
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString())
  } catch {
    return null
  }
  return form.safeParse(value).data ?? null
}
