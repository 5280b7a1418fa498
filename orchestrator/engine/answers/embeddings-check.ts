/**
 * Are these the embeddings that were asked for? As many as there were inputs, all of one size (the one that the client
 * named, if it did), each a flat list of numbers or their bytes in base64. The answer check hands in its scan at the
 * value of `data`.
 */
import { FieldNames } from '../../../shared/json/field-names.ts'
import type { JsonScan } from '../../../shared/json/json-scan.ts'
import { Class } from '../../../shared/json/json-tokens.ts'
import type { Asked } from './asked.ts'

const inItem = new FieldNames(['embedding', 'index'])
/** A number in base64 is a float of this many bytes. */
const floatBytes = 4

/** Where the items stand that have been read so far. */
interface Row {
  /** Numbers of an item; -1 before the first. */
  dimensions: number
  /** Taken by an item that names its place. */
  places: Uint8Array | null
}

export function inspectEmbeddings(scan: JsonScan, asked: Asked): boolean {
  if (!scan.enterList()) return false
  const row: Row = { dimensions: -1, places: asked.inputs === null ? null : new Uint8Array(asked.inputs) }
  let items = 0
  while (scan.nextItem()) {
    if (!item(scan, row)) return false
    items++
  }
  if (scan.failed || items === 0) return false
  if (asked.inputs !== null && items !== asked.inputs) return false
  return asked.dimensions === null || row.dimensions === asked.dimensions
}

function item(scan: JsonScan, row: Row): boolean {
  let dimensions = -1
  if (!scan.enterObject()) return false
  while (scan.nextField()) {
    const field = scan.fieldIn(inItem)
    if (field === 0) dimensions = scan.next === Class.text ? base64Numbers(scan) : scan.numbers()
    else if (field === 1) {
      if (!takesPlace(scan.number(), row.places)) return false
    } else scan.skip()
  }
  if (scan.failed || dimensions <= 0) return false
  if (row.dimensions < 0) row.dimensions = dimensions
  return dimensions === row.dimensions
}

/** False for a place that does not exist or is taken. */
function takesPlace(index: number, places: Uint8Array | null): boolean {
  if (!Number.isInteger(index) || index < 0) return false
  if (places === null) return true
  if (index >= places.length || places[index] === 1) return false
  places[index] = 1
  return true
}

/** How many numbers are in the base64 text here. */
function base64Numbers(scan: JsonScan): number {
  if (!scan.text()) return -1
  const { textStart, textEnd } = scan
  const padding = scan.slice(Math.max(textStart, textEnd - 2), textEnd).split('=').length - 1
  return Math.floor(((textEnd - textStart - padding) * 3) / 4) / floatBytes
}
