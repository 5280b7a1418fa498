/**
 * Why a task earns nothing, or is marked: bits of a receipt's flags. Any of the zero bits makes its points zero; the
 * others only tell. The rules are judged from what the hub knows of the request, never from what a scout says. Pure.
 */
import { equalRequestsPaid } from '../../../shared/limits/ledger/ledger.ts'

export const flagBits = {
  /** Client and scout belong to the same owner. */
  own: 1,
  /** The client named the scouts that may serve it. */
  directed: 2,
  /** The model is not in the price list, and one owner alone offers it. */
  unlisted: 4,
  /** The client's own scout holds an equal request right now: it asks the hub for what the hub asked it. */
  loop: 8,
  /** The tenant has sent as many equal requests today as are paid. */
  repeat: 16,
  /** The scout is convicted of other answers than its model gives. */
  convicted: 32,
  /** The client left after content had begun; what was forwarded counts. Not a reason for zero. */
  partial: 64,
  /** An audit, or a rerun for a dispute: paid like any other task. Not a reason for zero. */
  audit: 128,
  /** It goes on after what another scout had said; its answer's hash covers the rest alone. Not a reason for zero. */
  continued: 256,
  /** A scout of another hub of the network served: its receipt is there, and makes the points. */
  elsewhere: 512,
} as const

type Flag = keyof typeof flagBits

/** What the hub that asked can say of a task which another one served, for nobody to earn anything by it. */
export const voidBits = flagBits.own | flagBits.directed | flagBits.loop | flagBits.repeat

const zeroBits = voidBits | flagBits.unlisted | flagBits.convicted | flagBits.elsewhere

/** What is known of a task when it is over. */
export interface Circumstances {
  /** Whose request it is, and whose scout served it: owners. */
  client: string
  operator: string
  /** The request names scouts that alone may serve it. */
  isDirected: boolean
  isListed: boolean
  /** Owners who offer the model now; counted up to two. */
  owners: number
  /** An equal request was leased to a scout of the client when it came. */
  isLoop: boolean
  /** Equal requests of this tenant and day, this one included. */
  equalRequests: number
  isConvicted: boolean
  isPartial: boolean
  isAudit: boolean
  isContinued: boolean
  isElsewhere: boolean
}

export function flagsOf(of: Circumstances): number {
  let flags = 0
  if (of.client === of.operator) flags |= flagBits.own
  if (of.isDirected) flags |= flagBits.directed
  if (!of.isListed && of.owners < 2) flags |= flagBits.unlisted
  if (of.isLoop) flags |= flagBits.loop
  if (of.equalRequests > equalRequestsPaid) flags |= flagBits.repeat
  if (of.isConvicted) flags |= flagBits.convicted
  if (of.isPartial) flags |= flagBits.partial
  if (of.isAudit) flags |= flagBits.audit
  if (of.isContinued) flags |= flagBits.continued
  if (of.isElsewhere) flags |= flagBits.elsewhere
  return flags
}

export function earnsNothing(flags: number): boolean {
  return (flags & zeroBits) !== 0
}

/** Reasons for nothing, in their order. */
export type ZeroReason = Exclude<Flag, 'partial' | 'audit' | 'continued'>
const zeroReasonNames = (Object.keys(flagBits) as Flag[]).filter((flag) => earnsNothing(flagBits[flag])) as ZeroReason[]

/** Those that are counted by scout, model and day: what another hub's scouts did is counted there. */
export type CountedReason = Exclude<ZeroReason, 'elsewhere'>
export const countedReasonNames = zeroReasonNames.filter((reason) => reason !== 'elsewhere')

/** By zero bits: every receipt is counted by its reasons, and for that no list is to be made. */
const reasonsOf: readonly (readonly ZeroReason[])[] = Array.from({ length: zeroBits + 1 }, (_, bits) =>
  zeroReasonNames.filter((reason) => (flagBits[reason] & bits) !== 0),
)

/** The reasons in these flags, for people and machines. */
export function zeroReasons(flags: number): readonly ZeroReason[] {
  return reasonsOf[flags & zeroBits]!
}
