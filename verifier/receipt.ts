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
}

/** The price list of the rules: micro-dollars per million units of prompt and of answer. */
export interface Rules {
  prices: ReadonlyMap<string, readonly [prompt: number, answer: number]>
  unlisted: readonly [prompt: number, answer: number]
}

const version = 1
const valueCount = 16
/** own, directed, unlisted, loop, repeat, convicted. */
const zeroFlags = 1 | 2 | 4 | 8 | 16 | 32
/** Those, and partial, audit, continued. */
const knownFlags = zeroFlags | 64 | 128 | 256
const pointsMax = 1_000_000_000
const perUnits = 1_000_000
const unlistedDivisor = 10

export function readReceipt(bytes: Buffer): Receipt {
  const reader = new Reader(bytes)
  const count = reader.array()
  must(count === valueCount, () => `a receipt has ${count} values and not ${valueCount}`)
  const stated = reader.number()
  must(stated === version, () => `a receipt has the version ${stated}, which this program does not know`)
  const task = reader.number()
  // Which attempt it was.
  reader.number()
  const atS = reader.number()
  const scout = reader.text()
  for (let tags = 0; tags < 2; tags++) reader.passBytes(8)
  const kind = reader.number()
  must(kind <= 1, () => `a receipt has the kind ${kind}`)
  const model = reader.text()
  // The provider.
  reader.passText()
  for (let hashes = 0; hashes < 2; hashes++) reader.passBytes(32)
  const promptUnits = reader.number()
  const answerUnits = reader.number()
  const points = reader.number()
  const flags = reader.number()
  reader.end()
  return { task, atS, scout, model, promptUnits, answerUnits, points, flags }
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
  must(document.version === version, () => 'the rules have a version that this program does not know')
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
