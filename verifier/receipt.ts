/**
 * What a receipt says, and the points that it should say, computed again from the units, the model and the rules.
 */
import { must, objectOf } from './flaw.ts'
import { Reader } from './msgpack.ts'

export interface Receipt {
  task: number
  atS: number
  scout: string
  model: string
  promptUnits: number
  answerUnits: number
  points: number
  flags: number
  attempt: number
  answerHash: Uint8Array
  /** Null when its scout has not signed it. */
  countersignature: Uint8Array | null
}

/** The price list of the rules: micro-dollars per million units of prompt and of answer. */
export interface Rules {
  prices: ReadonlyMap<string, readonly [prompt: number, answer: number]>
  unlisted: readonly [prompt: number, answer: number]
}

/** Of receipts, by what they hold: the second one has names of other hubs and a countersignature behind the flags. */
const valueCounts = new Map([
  [1, 16],
  [2, 19],
])
/** A nonce of 16 bytes, and a signature of 64. */
const countersignatureBytes = 80
const rulesVersion = 1
/** own, directed, unlisted, loop, repeat, convicted, elsewhere. */
const zeroFlags = 1 | 2 | 4 | 8 | 16 | 32 | 512
/** Those, and partial, audit, continued. */
const knownFlags = zeroFlags | 64 | 128 | 256
const pointsMax = 1_000_000_000
const perUnits = 1_000_000
const unlistedDivisor = 10

export function readReceipt(bytes: Buffer): Receipt {
  const reader = new Reader(bytes)
  const count = reader.array()
  const version = reader.number()
  const due = valueCounts.get(version)
  must(due !== undefined, () => `a receipt has the version ${version}, which this program does not know`)
  must(count === due, () => `a receipt of version ${version} has ${count} values and not ${due}`)
  const task = reader.number()
  const attempt = reader.number()
  const atS = reader.number()
  const scout = reader.text()
  for (let tags = 0; tags < 2; tags++) reader.passBytes(8)
  const kind = reader.number()
  must(kind <= 1, () => `a receipt has the kind ${kind}`)
  const model = reader.text()
  // The provider.
  reader.passText()
  // The hash of the request.
  reader.passBytes(32)
  const answerHash = reader.bytes(32)
  const promptUnits = reader.number()
  const answerUnits = reader.number()
  const points = reader.number()
  const flags = reader.number()
  let countersignature: Uint8Array | null = null
  if (version > 1) {
    // Of which hubs the client and the scout were.
    for (let hubs = 0; hubs < 2; hubs++) reader.passText()
    countersignature = reader.bytesOrNull(countersignatureBytes)
  }
  reader.end()
  const counted = { promptUnits, answerUnits, points, flags }
  return { task, attempt, atS, scout, model, answerHash, ...counted, countersignature }
}

/** Fails unless its points are those of its work under these rules. */
export function checkPoints({ task, model, promptUnits, answerUnits, points, flags }: Receipt, rules: Rules): void {
  must((flags & ~knownFlags) === 0, () => `the receipt of task ${task} has flags that this program does not know`)
  const [prompt, answer] = rules.prices.get(model) ?? rules.unlisted
  const worth = Math.min(pointsMax, Math.max(1, Math.round((promptUnits * prompt + answerUnits * answer) / perUnits)))
  const due = (flags & zeroFlags) === 0 ? worth : 0
  must(points === due, () => `the receipt of task ${task} has ${points} points, and its work is worth ${due}`)
}

export function readRules(json: string): Rules {
  const document = objectOf(json)
  must(document.version === rulesVersion, () => 'the rules have a version that this program does not know')
  const { prices } = document
  must(typeof prices === 'object' && prices !== null, () => 'the rules have no price list')
  const list = new Map<string, readonly [number, number]>()
  for (const [model, row] of Object.entries(prices)) {
    const isPair =
      Array.isArray(row) && row.length === 2 && row.every((part) => Number.isSafeInteger(part) && part >= 0)
    must(isPair, () => `the price of ${model} is no pair of whole numbers`)
    list.set(model, row as [number, number])
  }
  const rows = [...list.values()]
  return { prices: list, unlisted: [unlisted(rows.map(([one]) => one)), unlisted(rows.map(([, other]) => other))] }
}

function unlisted(prices: readonly number[]): number {
  const priced = prices.filter((price) => price > 0)
  return priced.length === 0 ? 0 : Math.floor(Math.min(...priced) / unlistedDivisor)
}
