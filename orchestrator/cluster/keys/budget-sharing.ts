/**
 * Budgets that hold in a whole network: each hub tells the others, once a second, what it has used of the budgets of
 * keys and accounts, and counts what they have used. Between two words a hub may use a share of what is left
 * (`tenants/spending.ts`), so that nobody is asked before a request. The log keeps the last word of each hub on each
 * key: a hub that starts reads them all, and until it has it uses shares of everything.
 */
import { z } from 'zod'
import { usageSumMax } from '../../../shared/limits/answers.ts'
import { useAtOnce, useLookMs } from '../../../shared/limits/cluster/keys.ts'
import type { System } from '../../../shared/system.ts'
import type { UsedSums } from '../../tenants/elsewhere.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { LoggedMessage, SharedLog } from '../journal/log.ts'
import { LogReader } from '../journal/log-reader.ts'
import { Looks } from '../looks.ts'
import type { Membership } from '../membership.ts'
import { isSignedBy, jsonIn, openMessage } from '../roster/message.ts'
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
  private readonly looks: Looks
  private readonly reader: LogReader
  /** With which number the subjects of this hub end, by the id of the key or account. */
  private readonly ends = new Map<string, number>()

  constructor(private readonly parts: BudgetSharingParts) {
    const { log, tenants, membership, system } = parts
    tenants.joinNetwork(() => membership.chain.latest.hubs.length)
    this.looks = new Looks(system, useLookMs, () => this.look())
    this.reader = new LogReader({
      ...{ log, pattern: `${membership.prefix}.use.*.*`, cursor: 0 },
      take: (message) => this.take(message),
      isStopped: () => this.looks.isStopped,
    })
  }

  start(): void {
    this.looks.start()
  }

  stop(): void {
    this.looks.stop()
  }

  private async look(): Promise<void> {
    const { log, membership } = this.parts
    const isWell = log.apart === null && membership.standing === 'member'
    // Whichever server is near is asked: what it shows late counts a second later.
    if (isWell && (await this.reader.readShown())) await this.tell()
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
  if (!isSignedBy(opened, subject, authority.publicKey)) return null
  return form.safeParse(jsonIn(opened.payload)).data ?? null
}
