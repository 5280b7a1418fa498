/**
 * Whether a task that a client's desk submits may begin, and what it is charged: the brain's side of the limits of
 * keys. What is limited has a tab here from its submission until the desk reports what was used. A desk in another
 * process knows a key's terms and the size of its request, and never what others have used: it decides nothing.
 */
import type { Fault } from '../../../shared/faults.ts'
import { autoModel } from '../../../shared/task.ts'
import type { FromClients, ToClients } from '../ports/brain.ts'
import type { ServedPrice, Tab } from '../ports/charged-key.ts'
import type { AllowedModels } from './allowed-models.ts'
import type { Charges } from './charges.ts'

type Submitted = Extract<FromClients, { type: 'submit' }>
type Adopted = Extract<FromClients, { type: 'adopt' }>
type Used = Extract<FromClients, { type: 'used' }>
type Grant = Extract<ToClients, { type: 'grant' }>

export class Admission {
  /** Of tasks whose keys are limited. */
  private readonly tabs = new Map<number, Tab>()

  constructor(
    private readonly charges: Charges,
    private readonly allowed: AllowedModels,
  ) {}

  /** Opens its tab, and chooses the model for a restricted key that leaves the choice to the hub; or says no. */
  admit(submitted: Submitted): Fault | null {
    const { task, kind, charge } = submitted
    if (charge === null) return null
    const { key, size } = charge
    if (key.scopes.models !== null && submitted.model === autoModel) {
      submitted.model = this.allowed.choose(key.scopes, kind) ?? autoModel
    }
    if (size === null) return null
    const { model, routing } = submitted
    const charged = { kind, model, requires: routing.requires, isOpen: routing.only.length === 0 }
    const tab = this.charges.openSized(key, charged, size)
    if ('code' in tab) return tab
    if (isForOwnScouts(tab)) submitted.routing = { ...routing, only: [key.tenant] }
    this.tabs.set(task, tab)
    return null
  }

  /** Opens the tab of a task that an earlier process admitted: what its limits say now does not stop it any more. */
  readmit(adopted: Adopted): void {
    const { task, kind, charge, leases, routing } = adopted
    if (charge === null) return
    const { key, size } = charge
    if (key.scopes.models !== null && adopted.model === autoModel) {
      adopted.model = leases[0]?.model ?? this.allowed.choose(key.scopes, kind) ?? autoModel
    }
    if (size === null) return
    const { model } = adopted
    const charged = { kind, model, requires: routing.requires, isOpen: routing.only.length === 0 }
    this.tabs.set(task, this.charges.reopenSized(key, charged, size))
  }

  /** What a token of this attempt is charged, by what its offer asks and what others ask. */
  priceOf({ task, kind, model, promptPrice, answerPrice }: Grant): ServedPrice {
    return this.charges.priceOf(this.tabs.get(task)?.price ?? null, kind, model, { promptPrice, answerPrice })
  }

  /** Its receipt says that it cost so many points. */
  owes(task: number, points: number): void {
    const hold = this.tabs.get(task)?.hold ?? null
    if (hold !== null) hold.owed = { task, points }
  }

  /** The task is over. */
  close({ task, payer, kind, use, microDollars }: Used): void {
    const tab = this.tabs.get(task) ?? null
    this.tabs.delete(task)
    this.charges.settle(payer, kind, tab, use, microDollars)
  }

  /** Nobody will report any more what these tasks used. */
  forget(isMeant: (task: number) => boolean): void {
    for (const [task, tab] of this.tabs) {
      if (!isMeant(task)) continue
      this.tabs.delete(task)
      this.charges.settle(tab.key, tab.kind, tab, null, 0)
    }
  }
}

/** Its client has not enough points for the scouts of others. */
export function isForOwnScouts({ hold }: Tab): boolean {
  return hold !== null && hold.points === 0
}
