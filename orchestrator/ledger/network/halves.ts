/**
 * Tasks that one hub did for another have two receipts: that of the hub whose scout served, which makes points, and
 * that of the hub whose client asked, which makes none and says that it has got the answer. Neither counts alone.
 * Hubs tell of their chains independently, so either half may come first; what is found does not depend on that. Pure.
 */
import { bothSidesMs, halvesGivenUpAtOnce, halvesMax } from '../../../shared/limits/cluster/ledger.ts'
import type { ListPrice } from '../points/rules.ts'
import { pointsOf } from '../points/work.ts'

interface Half {
  /** Names of the hub that asked and of the one that served. */
  asker: string
  home: string
  /** Of the hub that asked. */
  task: number
  attempt: number
  /** When it was done, milliseconds since 1970, by the clock of the hub that signed. */
  atMs: number
  /** That clock when the half was sealed: it never goes back. */
  sealedMs: number
}

/** That a hub served; for no points as well, so that the other half of such a task does not wait for ever. */
export interface Claim extends Half {
  operator: string
  season: string
  points: number
  /** At which its hub pays. */
  price: ListPrice
}

/** That a hub got an answer. */
export interface Acknowledgement extends Half {
  promptUnits: number
  answerUnits: number
  /** It says that the task earns nothing, whoever served. */
  isVoid: boolean
}

/** Points that both hubs stand for. */
export interface Agreed {
  asker: string
  home: string
  operator: string
  season: string
  points: number
}

type Side<Kind extends Half> = Map<string, Kind>

export interface HalvesSnapshot {
  claims: Claim[]
  acknowledgements: Acknowledgement[]
  lost: number
}

export class Halves {
  private readonly claims: Side<Claim> = new Map()
  private readonly acknowledgements: Side<Acknowledgement> = new Map()
  /** Halves that were given up for want of room: their tasks never count here. */
  lost = 0

  get size(): number {
    return this.claims.size + this.acknowledgements.size
  }

  /** Null while the other half has not come, and where the two do not fit. */
  claim(claim: Claim): Agreed | null {
    const key = keyOf(claim)
    const other = this.acknowledgements.get(key)
    if (other === undefined) {
      this.keep(this.claims, key, claim)
      return null
    }
    this.acknowledgements.delete(key)
    return agreed(claim, other)
  }

  acknowledge(acknowledgement: Acknowledgement): Agreed | null {
    const key = keyOf(acknowledgement)
    const other = this.claims.get(key)
    if (other === undefined) {
      this.keep(this.acknowledgements, key, acknowledgement)
      return null
    }
    this.claims.delete(key)
    return agreed(other, acknowledgement)
  }

  /** The clock of this hub has come so far: what waits for its half, and is older than that may be, never gets it. */
  passed(hub: string, clockMs: number): void {
    expire(this.claims, ({ asker, atMs }) => asker === hub && atMs + bothSidesMs < clockMs)
    expire(this.acknowledgements, ({ home, atMs }) => home === hub && atMs + bothSidesMs < clockMs)
  }

  snapshot(): HalvesSnapshot {
    const { lost } = this
    return { claims: [...this.claims.values()], acknowledgements: [...this.acknowledgements.values()], lost }
  }

  restore({ claims, acknowledgements, lost }: HalvesSnapshot): void {
    for (const claim of claims) this.claims.set(keyOf(claim), claim)
    for (const one of acknowledgements) this.acknowledgements.set(keyOf(one), one)
    this.lost = lost
  }

  private keep<Kind extends Half>(side: Side<Kind>, key: string, half: Kind): void {
    side.set(key, half)
    if (side.size <= halvesMax) return
    this.lost += halvesGivenUpAtOnce
    let left = halvesGivenUpAtOnce
    for (const oldest of side.keys()) {
      side.delete(oldest)
      if (--left === 0) return
    }
  }
}

/** Those at the front: halves of one hub come in the order of its clock, and the rest waits for the next look. */
function expire<Kind extends Half>(side: Side<Kind>, isOver: (half: Kind) => boolean): void {
  for (const [key, half] of side) {
    if (!isOver(half)) return
    side.delete(key)
  }
}

function keyOf({ asker, home, task, attempt }: Half): string {
  return `${asker}\t${home}\t${task}\t${attempt}`
}

/** What the hub that served paid, and no more than what the other one got is worth at the same price. */
function agreed(claim: Claim, { promptUnits, answerUnits, isVoid, ...other }: Acknowledgement): Agreed | null {
  const { asker, home, operator, season, price } = claim
  const isInTime = other.sealedMs <= claim.atMs + bothSidesMs && claim.sealedMs <= other.atMs + bothSidesMs
  if (isVoid || !isInTime || claim.points === 0) return null
  const points = Math.min(claim.points, pointsOf(price, promptUnits, answerUnits))
  return { asker, home, operator, season, points }
}
