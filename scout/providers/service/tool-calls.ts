/**
 * The tool calls of one choice of a streamed answer. Services leave out the index of a piece or its id, repeat id and
 * name in every piece, or number all calls 0; here each piece finds its call, and what leaves is what OpenAI sends: the
 * first piece of a call with index, id, type and name, the others with index and arguments alone. Fed by
 * `service-answer.ts`, for whole answers too.
 */
import { JsonExtent } from '../../../shared/json/json-extent.ts'
import { isObject, type Json } from '../transport/json-object.ts'

interface Call {
  index: number
  id: string
  /** What the service calls it; null where it left that out. */
  theirIndex: number | null
  theirId: string | null
  name: string
  extent: JsonExtent
}

export class ToolCalls {
  readonly #calls: Call[] = []

  /** `newId` makes an id for a call that has none. */
  constructor(private readonly newId: () => string) {}

  get count(): number {
    return this.#calls.length
  }

  /** Whether the arguments of every call are whole. */
  get whole(): boolean {
    return this.#calls.every(({ extent }) => extent.isWhole || extent.isEmpty)
  }

  /** The pieces of one delta, as they are to be sent. */
  pieces(pieces: readonly unknown[]): Json[] {
    const before = new Set<Call>()
    return pieces.filter(isObject).map((piece) => {
      const { call, isNew } = this.#callOf(piece, before)
      before.add(call)
      return isNew ? begun(piece, call) : continued(piece, call)
    })
  }

  #callOf(piece: Json, before: ReadonlySet<Call>): { call: Call; isNew: boolean } {
    const said = functionOf(piece)
    const told = { name: textOf(said.name), args: argumentsOf(said), id: idOf(piece.id), index: indexOf(piece.index) }
    const found = this.#match(told, before)
    const call = found ?? this.#begin(told)
    call.theirId ??= told.id
    call.theirIndex ??= told.index
    call.extent.read(told.args)
    return { call, isNew: found === null }
  }

  /** The call that a piece goes on with; null when it begins one. */
  #match({ name, args, id, index }: Told, before: ReadonlySet<Call>): Call | null {
    // Of several calls under one number or id the newest is the one that goes on.
    const numbered = index === null ? undefined : this.#calls.findLast(({ theirIndex }) => theirIndex === index)
    const named = id === null ? undefined : this.#calls.findLast(({ theirId }) => theirId === id)
    const last = this.#calls.at(-1)
    if (name === '') {
      const isNewNumber = index !== null && last !== undefined && last.theirIndex !== null
      return numbered ?? named ?? (isNewNumber ? null : (last ?? null))
    }
    // A piece with a name begins a call, unless it only repeats the name of a call that is under way.
    const known = index === null ? (named ?? last) : numbered
    if (known === undefined || (known.name !== '' && known.name !== name)) return null
    if (index === null && before.has(known)) return null
    const isSameId = id !== null && id === known.theirId
    if (known.extent.isWhole) return isSameId && args.trim() === '' ? known : null
    const isOtherId = id !== null && known.theirId !== null && !isSameId
    return known.extent.isEmpty && isOtherId && args === '' ? null : known
  }

  #begin({ name, id, index }: Told): Call {
    const isTaken = id !== null && this.#calls.some((call) => call.id === id)
    const call = {
      ...{ index: this.#calls.length, id: id === null || isTaken ? this.newId() : id },
      ...{ theirIndex: index, theirId: id, name, extent: new JsonExtent() },
    }
    this.#calls.push(call)
    return call
  }
}

interface Told {
  name: string
  args: string
  id: string | null
  index: number | null
}

function begun(piece: Json, { index, id, name }: Call): Json {
  const said = functionOf(piece)
  const { arguments: _arguments, name: _name, ...more } = said
  const { index: _index, id: _id, type, function: _function, ...beside } = piece
  return {
    index,
    id,
    type: typeof type === 'string' && type !== '' ? type : 'function',
    function: { name, ...more, arguments: argumentsOf(said) },
    ...without(beside, ['name', 'arguments']),
  }
}

/** A name that comes late is passed on; one that is repeated would be put behind itself by clients. */
function continued(piece: Json, call: Call): Json {
  const said = functionOf(piece)
  const name = call.name === '' ? textOf(said.name) : ''
  call.name ||= name
  return { index: call.index, function: { ...(name !== '' && { name }), arguments: argumentsOf(said) } }
}

/** The calls of a whole answer, completed. */
export function wholeCalls(calls: readonly unknown[], newId: () => string): Json[] {
  const ids = new Set<string>()
  return calls.filter(isObject).map((call) => {
    const said = functionOf(call)
    const own = idOf(call.id)
    const id = own === null || ids.has(own) ? newId() : own
    ids.add(id)
    const { index: _index, ...beside } = without(call, ['name', 'arguments'])
    const type = typeof call.type === 'string' && call.type !== '' ? call.type : 'function'
    if (type !== 'function') return { ...call, id }
    return { ...beside, id, type, function: { ...said, name: textOf(said.name), arguments: argumentsOf(said) } }
  })
}

function functionOf(piece: Json): Json {
  if (isObject(piece.function)) return piece.function
  return { ...('name' in piece && { name: piece.name }), ...('arguments' in piece && { arguments: piece.arguments }) }
}

function argumentsOf({ arguments: said }: Json): string {
  if (typeof said === 'string') return said
  return said == null ? '' : JSON.stringify(said)
}

function textOf(said: unknown): string {
  return typeof said === 'string' ? said : ''
}

function idOf(said: unknown): string | null {
  if (typeof said === 'string' && said !== '') return said
  return typeof said === 'number' ? String(said) : null
}

function indexOf(said: unknown): number | null {
  const index = typeof said === 'string' && /^\d{1,6}$/.test(said) ? Number(said) : said
  return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : null
}

function without(piece: Json, fields: readonly string[]): Json {
  return Object.fromEntries(Object.entries(piece).filter(([field]) => !fields.includes(field)))
}
