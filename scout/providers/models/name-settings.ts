/**
 * Reads `MODEL_NAMES`, the operator's own rows of the table of names: JSON in the variable itself or the path of a file
 * that holds it. A row is a canonical name with what each service calls it, or one name that holds for every service.
 */
import { readFileSync, statSync } from 'node:fs'
import { nameFileBytesMax, nameRowsMax } from '../../../shared/limits/provider.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { serviceNames } from '../dialects.ts'
import { isObject } from '../transport/json-object.ts'
import type { NameTable } from './model-names.ts'

const sources: readonly string[] = [...serviceNames, 'weights']
const example = '{"my-model":{"ollama":"my-model:7b"}}'

/** The rows in `text`; what is wrong with it is put into `errors`, a sentence each. */
export function readNameTable(text: string, errors: string[]): NameTable {
  if (text === '') return {}
  const json = text.startsWith('{') ? text : readNameFile(text, errors)
  if (json === null) return {}
  let table: unknown
  try {
    table = JSON.parse(json)
  } catch {
    table = null
  }
  const rows = isObject(table) ? Object.entries(table) : []
  const isFine = isObject(table) && rows.length <= nameRowsMax
  if (!isFine || !rows.every(([canonical, names]) => isName(canonical) && isRow(names))) {
    const known = sources.join(', ')
    errors.push(`MODEL_NAMES must hold at most ${nameRowsMax} rows of JSON such as ${example}; services are ${known}.`)
    return {}
  }
  return Object.fromEntries(rows.map(([canonical, names]) => [canonical, everywhere(names)]))
}

function readNameFile(path: string, errors: string[]): string | null {
  try {
    if (statSync(path).size <= nameFileBytesMax) return readFileSync(path, 'utf8').trim()
    errors.push(`MODEL_NAMES names a file of more than ${nameFileBytesMax} bytes: shorten it.`)
  } catch {
    errors.push(`MODEL_NAMES must be JSON such as ${example}, or the path of a file with it that can be read.`)
  }
  return null
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name.length > 0 && name.length <= modelCharsMax
}

function isRow(names: unknown): boolean {
  if (!isObject(names)) return isName(names)
  return Object.entries(names).every(([source, name]) => sources.includes(source) && isName(name))
}

function everywhere(names: unknown): NameTable[string] {
  if (isObject(names)) return names as NameTable[string]
  return Object.fromEntries(sources.map((source) => [source, names as string]))
}
