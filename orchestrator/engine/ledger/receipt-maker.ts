/**
 * From counted work to a receipt: the flags that may make it worth nothing, its points, hashes under the salt of its
 * task. Everything that is known of the world at this moment goes into the receipt, and nothing is looked up later.
 */

import { answerHashOf } from '../../../shared/answers/answer-hash.ts'
import { hubOf, isPeerOperator, operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { TrustView } from '../../ledger/accounts/trust-port.ts'
import { EqualRequests } from '../../ledger/points/request-memory.ts'
import type { Rules } from '../../ledger/points/rules.ts'
import { answerUnitsOf, paidPrice, pointsOf, promptUnitsOf } from '../../ledger/points/work.ts'
import { earnsNothing, flagBits, flagsOf } from '../../ledger/points/zero-rules.ts'
import { type HubTags, requestHashOf } from '../../ledger/receipts/hashes.ts'
import { emptyReceipt, type Receipt } from '../../ledger/receipts/receipt.ts'
import { chargeOf } from '../../ledger/spending/reservations.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import { auditTenant } from '../ports/trust/witness.ts'

interface ReceiptMakerParts {
  rules: Rules
  tags: HubTags
  trust: Pick<TrustView, 'isConvicted'>
  /** Owners who offer this model now. */
  ownersOf: (kind: TaskKind, model: string) => number
}

const daysS = 86_400
/** Operators of whom this is kept at hand. */
const ownersKept = 20_000

/** What its client need not pay for, whatever it was worth; for the rest it pays though its scout earns nothing. */
const freeBits = flagBits.own | flagBits.convicted

/** Whose scout it is. */
interface Owner {
  operator: string
  tag: Uint8Array
  /** The hub of the network that it stands for; empty for a scout of this one. */
  home: string
}

export class ReceiptMaker {
  private readonly equal = new EqualRequests()
  private readonly owners = new Map<string, Owner>()
  /** Filled again and again. */
  private readonly receipt = emptyReceipt()
  private worth = 0

  constructor(private readonly parts: ReceiptMakerParts) {}

  /** The receipt of this work, which is good until the next one is made: nearly all are packed at once. */
  make(work: WorkDone, wallMs: number): Receipt {
    const { tags, rules } = this.parts
    const { receipt } = this
    const { task, served, tenant, request, answer } = work
    const { model } = served
    const owner = this.ownerOf(operatorOf(served.scout))
    const atS = Math.floor(wallMs / 1000)
    const flags = this.flags(work, owner.operator, Math.floor(atS / daysS))
    const promptUnits = promptUnitsOf(request.textBytes, request.media)
    const answerUnits = answerUnitsOf(answer.textBytes, request.answerUnitsMax)
    this.worth = pointsOf(paidPrice(rules, model), promptUnits, answerUnits)
    const salt = tags.salt(task)
    requestHashOf(salt, request.digest, receipt.requestHash)
    answerHashOf(salt, answer.texts, receipt.answerHash)
    // An audit has a tag of its own: nobody learns from receipts which answers were audits, and what those look like.
    const client = tenant === auditTenant ? `${tenant}:${task}` : tenant
    receipt.task = task
    receipt.attempt = work.attempt
    receipt.atS = atS
    receipt.scout = served.scout
    receipt.ownerTag = owner.tag
    receipt.tenantTag = tags.tag(client)
    receipt.kind = work.kind
    receipt.model = model
    receipt.provider = served.provider
    receipt.promptUnits = promptUnits
    receipt.answerUnits = answerUnits
    receipt.points = earnsNothing(flags) ? 0 : this.worth
    receipt.flags = flags
    receipt.asker = work.asker
    receipt.home = owner.home
    return receipt
  }

  /** What the client of the receipt that was made last owes for it, where points are spent. */
  get owed(): number {
    return (this.receipt.flags & freeBits) === 0 ? chargeOf(this.worth) : 0
  }

  private ownerOf(operator: string): Owner {
    const known = this.owners.get(operator)
    if (known !== undefined) return known
    const owner = { operator, tag: this.parts.tags.tag(operator), home: hubOf(operator) ?? '' }
    if (this.owners.size >= ownersKept) this.owners.clear()
    this.owners.set(operator, owner)
    return owner
  }

  private flags(work: WorkDone, operator: string, day: number): number {
    const { rules, trust, ownersOf } = this.parts
    const { kind, served, tenant, request, isDirected, isLoop, isPartial, isContinued } = work
    const { scout, model } = served
    // It earns what any other task earns, though it names its scout, and may ask many scouts the same.
    const isAudit = tenant === auditTenant
    const isListed = rules.priceOf(model) !== undefined
    // Another hub asks for many clients, and its receipt says which of them ask too often.
    const isCounted = !isAudit && !isPeerOperator(tenant)
    return flagsOf({
      client: tenant,
      operator,
      isDirected: isDirected && !isAudit,
      isListed,
      owners: isListed ? 0 : ownersOf(kind, model),
      isLoop,
      equalRequests: !isCounted ? 1 : this.equal.count(tenant, request.textsHash, day),
      isConvicted: trust.isConvicted(scout, model),
      isPartial,
      // Whoever reads the receipt would know what it was: the mark is kept for audits that are meant to be known.
      isAudit: false,
      isContinued,
      isElsewhere: isPeerOperator(operator),
    })
  }
}
