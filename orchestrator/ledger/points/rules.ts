/**
 * The rules by which work becomes points, as one document: the hub's price list and the version of everything that is
 * counted by fixed rules. Its text is signed with every batch of receipts through its hash, so whoever has the text can
 * compute all points again. An operator may replace the list; what was sealed before stays under the rules of its time.
 * Pure.
 */
import { createHash } from 'node:crypto'
import { listPriceMax, pricedModelsMax, rulesBytesMax } from '../../../shared/limits/ledger/ledger.ts'

/** Micro-dollars per million units of prompt and of answer. */
export interface ListPrice {
  readonly prompt: number
  readonly answer: number
}

export interface Rules {
  /** As it is signed and exported. */
  readonly text: string
  /** SHA-256 of the text. */
  readonly hash: Uint8Array
  /** Undefined for a model that is not listed. */
  priceOf(model: string): ListPrice | undefined
  /** For models that are not listed: a tenth of the least price of a prompt, and of an answer. */
  readonly unlisted: ListPrice
}

/** Of the way in which points are counted; a reader that knows another one computes nothing. */
const rulesVersion = 1

/** A model that is not listed earns so many times less than the cheapest one. */
const unlistedDivisor = 10

/** Rough list prices of open models at common providers; an operator sets others. */
export const defaultPrices: Readonly<Record<string, readonly [prompt: number, answer: number]>> = {
  'demo-small': [50_000, 80_000],
  'demo-large': [200_000, 300_000],
  'demo-embed': [10_000, 0],
  'llama-3.1-8b-instant': [50_000, 80_000],
  'llama-3.3-70b-versatile': [590_000, 790_000],
  'openai/gpt-oss-20b': [75_000, 300_000],
  'openai/gpt-oss-120b': [150_000, 600_000],
  'llama3.2': [30_000, 50_000],
  'llama3.1:8b': [50_000, 80_000],
  'qwen2.5:7b': [50_000, 80_000],
  'qwen3:8b': [50_000, 80_000],
  'mistral:7b': [50_000, 80_000],
  'gemma3:4b': [30_000, 50_000],
}

/** The rules with this price list; models are written in the order of their names. */
export function rulesOf(prices: Readonly<Record<string, readonly [number, number]>>): Rules | { flaw: string } {
  const rows = Object.entries(prices).sort(([one], [other]) => (one < other ? -1 : 1))
  return readRules(JSON.stringify({ version: rulesVersion, prices: Object.fromEntries(rows) }))
}

/** Rules as their text says them; or what is wrong with it, as a clause. */
export function readRules(text: string): Rules | { flaw: string } {
  if (Buffer.byteLength(text) > rulesBytesMax) return { flaw: `it has more than ${rulesBytesMax} bytes` }
  const document = parsed(text)
  if (document === null) return { flaw: 'it is no JSON object with a version and prices' }
  if (document.version !== rulesVersion) return { flaw: `its version is not ${rulesVersion}` }
  const rows = Object.entries(document.prices)
  if (rows.length === 0) return { flaw: 'its price list is empty' }
  if (rows.length > pricedModelsMax) return { flaw: `its price list has more than ${pricedModelsMax} models` }
  const list = new Map<string, ListPrice>()
  for (const [model, row] of rows) {
    const price = priceIn(row)
    if (price === null) return { flaw: `the price of ${JSON.stringify(model)} is no pair of whole numbers` }
    list.set(model, price)
  }
  // Embeddings have no price of an answer: the least of those that are priced counts.
  const least = (of: keyof ListPrice): number => {
    const priced = [...list.values()].map((price) => price[of]).filter((price) => price > 0)
    return priced.length === 0 ? 0 : Math.min(...priced)
  }
  return {
    text,
    hash: createHash('sha256').update(text).digest(),
    priceOf: (model) => list.get(model),
    unlisted: {
      prompt: Math.floor(least('prompt') / unlistedDivisor),
      answer: Math.floor(least('answer') / unlistedDivisor),
    },
  }
}

function parsed(text: string): { version: unknown; prices: object } | null {
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document !== 'object' || document === null || Array.isArray(document)) return null
    const { version, prices } = document as { version?: unknown; prices?: unknown }
    return typeof prices === 'object' && prices !== null && !Array.isArray(prices) ? { version, prices } : null
  } catch {
    return null
  }
}

function priceIn(row: unknown): ListPrice | null {
  if (!Array.isArray(row) || row.length !== 2) return null
  const [prompt, answer] = row as unknown[]
  return isPrice(prompt) && isPrice(answer) ? { prompt, answer } : null
}

function isPrice(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= listPriceMax
}
