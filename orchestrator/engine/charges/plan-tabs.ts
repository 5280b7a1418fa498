/**
 * The tabs of durable work: all tasks of a plan are admitted, or none, and what is set aside for each is stored with
 * it, so that a restart of the hub restores it. Nodes that join a scroll while it runs, and nodes that are tried again,
 * are admitted in the same way. A key's models hold for every node, whoever planned it.
 */
import type { Fault } from '../../../shared/faults.ts'
import { isAudited, limitsOf, scopesOf } from '../../../shared/keys/key-terms.ts'
import { anyPeerOperator } from '../../../shared/scouts/scout-id.ts'
import { autoModel } from '../../../shared/task.ts'
import { mayAskFor, unknownModel } from '../../tenants/scopes.ts'
import { askedOf } from '../answers/asked.ts'
import type { KeyStore } from '../ports/account-store.ts'
import { type ChargedKey, type Tab, unlimitedKey } from '../ports/charged-key.ts'
import { accountOfShared, keyOfShared, type SharedKeyStore } from '../ports/network/shared-keys.ts'
import type { PlannedTask, Terms } from '../ports/planner.ts'
import type { TaskRow } from '../ports/store.ts'
import { isForOwnScouts } from './admission.ts'
import type { Charges } from './charges.ts'

/** In the order of the plan; null for a control node, which costs nothing itself. */
interface AdmittedPlan {
  tasks: PlannedTask[]
  tabs: (Tab | null)[]
}

/** The plan as it is stored, with the tabs of its tasks; or why it cannot run. */
export function admitPlan(charges: Charges, key: ChargedKey, planned: readonly PlannedTask[]): AdmittedPlan | Fault {
  const admitted: AdmittedPlan = { tasks: [], tabs: [] }
  for (const task of planned) {
    const refused = admit(charges, key, task, admitted)
    if (refused === null) continue
    closeAll(charges, admitted.tabs)
    return refused
  }
  return admitted
}

function admit(charges: Charges, key: ChargedKey, task: PlannedTask, { tasks, tabs }: AdmittedPlan): Fault | null {
  if (task.control !== undefined) {
    tasks.push(task)
    tabs.push(null)
    return null
  }
  const { kind, model, request } = task
  if (!mayAskFor(key.scopes, model)) return unknownModel(model)
  const { models } = key.scopes
  const requires = models === null || model !== autoModel ? task.requires : { ...task.requires, models }
  const isOpen = (task.routing?.only?.length ?? 0) === 0
  const routing = isAudited(key.scopes) ? task.routing : atHome(task.routing)
  const charged = { kind, model, requires: requires ?? null, requestBytes: request.length, isOpen }
  const tab = charges.open(key, charged, () => askedOf(request))
  if ('code' in tab) return tab
  const { reservation, price, hold } = tab
  const amount = reservation && { tokens: reservation.tokens, microDollars: reservation.microDollars }
  const reserved = amount && price && { ...amount, promptPrice: price.prompt, answerPrice: price.answer }
  tasks.push({
    ...task,
    ...(requires !== undefined && { requires }),
    ...(routing !== undefined && { routing }),
    ...(reserved !== null && { reserved }),
    ...(hold !== null && { points: hold.points }),
    ...(isForOwnScouts(tab) && { routing: { ...routing, only: [key.tenant] } }),
  })
  tabs.push(tab)
  return null
}

/** Not at other hubs, which would show it to their own scouts as any request. */
function atHome(routing: PlannedTask['routing']): PlannedTask['routing'] {
  return { ...routing, ignore: [...(routing?.ignore ?? []), anyPeerOperator] }
}

/** The same tabs by the numbers of their tasks, whose rows are in the order of the plan. */
export function tabsByTask(rows: readonly Pick<TaskRow, 'task'>[], tabs: readonly (Tab | null)[]): Map<number, Tab> {
  const byTask = new Map<number, Tab>()
  for (const [at, { task }] of rows.entries()) {
    const tab = tabs[at]
    if (tab) byTask.set(task, tab)
  }
  return byTask
}

/** Nothing of what was set aside was used. */
export function closeAll(charges: Charges, tabs: Iterable<Tab | null>): void {
  for (const tab of tabs) if (tab !== null) charges.close(tab, null, null)
}

/** The tabs of tasks that are to run again, or which limit stops them. */
export function retriedTabs(
  charges: Charges,
  key: ChargedKey,
  rows: readonly { row: TaskRow; terms: Terms }[],
): Map<number, Tab> | Fault {
  const tabs = new Map<number, Tab>()
  for (const { row, terms } of rows) {
    if (terms.reserved === undefined && terms.points === undefined) continue
    const tab = charges.openKnown(key, row.kind, terms)
    if ('code' in tab) {
      closeAll(charges, tabs.values())
      return tab
    }
    tabs.set(row.task, tab)
  }
  return tabs
}

/** The tab of a task that was admitted before, by this process or an earlier one. */
export function reopenedTab(charges: Charges, key: ChargedKey, { kind }: TaskRow, terms: Terms): Tab {
  return charges.reopen(key, kind, terms)
}

/** Whose key asked for stored work, as it is now. A key that is gone is limited by nothing any more. */
export function chargedKeyOf(
  store: Pick<KeyStore & SharedKeyStore, 'keyById' | 'account' | 'shared'>,
  { key, tenant }: { key: string | null; tenant: string },
): ChargedKey {
  const shared = store.shared(key ?? tenant)
  const row = store.keyById(key ?? tenant) ?? (shared && keyOfShared(shared))
  if (row === undefined) return { ...unlimitedKey(tenant), id: key ?? tenant }
  const { id, account } = row
  const accountLimits = limitsOf(account === null ? null : accountLimitsOf(store, account))
  return { id, tenant, account, scopes: scopesOf(row.scopes), limits: limitsOf(row.limits), accountLimits }
}

function accountLimitsOf(store: Pick<KeyStore & SharedKeyStore, 'account' | 'shared'>, id: string): string | null {
  const shared = store.shared(id)
  return (store.account(id) ?? (shared && accountOfShared(shared)))?.limits ?? null
}
