/**
 * Parts of a message's content as a chat completion has them. Text, images and sound have a part of the same meaning
 * there; a text file becomes text, another file goes on to providers that take files. What can only be had from an
 * account of the client's elsewhere (a `file_id`) is refused by name.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { refusedAt } from '../../schema/response-request.ts'

type Json = Record<string, unknown>

/** The parts, or a text alone when there is nothing but text; or what is wrong with one. */
export function contentOf(content: unknown, place: string): string | Json[] | Fault {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return refusedAt(place, 'must be a string or a list of parts')
  const parts: Json[] = []
  for (const [at, part] of content.entries()) {
    const mapped = partOf(part, `${place}[${at}]`)
    if (isFault(mapped)) return mapped
    parts.push(mapped)
  }
  return parts.every(({ type }) => type === 'text') ? joined(parts) : parts
}

/** One text alone is a string, which every provider takes; several stay parts. */
function joined(parts: Json[]): string | Json[] {
  if (parts.length === 0) return ''
  return parts.length === 1 ? (parts[0]!.text as string) : parts
}

function partOf(part: unknown, place: string): Json | Fault {
  if (typeof part !== 'object' || part === null) return refusedAt(place, 'must be an object with a `type`')
  const { type } = part as Json
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
    case 'summary_text':
    case 'reasoning_text':
      return textOf(part as Json, 'text', place)
    case 'refusal':
      return textOf(part as Json, 'refusal', place)
    case 'input_image':
      return imageOf(part as Json, place)
    case 'input_file':
      return fileOf(part as Json, place)
    case 'input_audio':
      return { type, input_audio: (part as Json).input_audio }
    default:
      return refusedAt(
        `${place}.type`,
        'must be input_text, input_image, input_file, input_audio, output_text or refusal',
      )
  }
}

function textOf(part: Json, field: string, place: string): Json | Fault {
  const text = part[field]
  return typeof text === 'string' ? { type: 'text', text } : refusedAt(`${place}.${field}`, 'must be a string')
}

function imageOf({ image_url: url, detail, file_id: file }: Json, place: string): Json | Fault {
  if ((file ?? null) !== null) return noFiles(`${place}.file_id`, 'image_url')
  if (typeof url !== 'string') return refusedAt(`${place}.image_url`, 'is required: it must be a URL or a data URL')
  return { type: 'image_url', image_url: { url, ...(typeof detail === 'string' && { detail }) } }
}

const textFile = /^data:(?:text\/[\w.+-]+|application\/json)(?:;charset=utf-8)?(;base64)?,/i

function fileOf({ file_data: data, filename, file_id: file, file_url: url }: Json, place: string): Json | Fault {
  if ((file ?? null) !== null) return noFiles(`${place}.file_id`, 'file_data')
  if ((url ?? null) !== null) {
    return refusedAt(`${place}.file_url`, 'is not offered here: send the file itself in `file_data`')
  }
  if (typeof data !== 'string') return refusedAt(`${place}.file_data`, 'is required: it must be a data URL')
  const name = typeof filename === 'string' ? filename : null
  const form = textFile.exec(data)
  // Every model reads text, and few services take files.
  if (form !== null) {
    const text = decoded(data.slice(form[0].length), form[1] !== undefined)
    if (text === null) return refusedAt(`${place}.file_data`, 'must hold UTF-8 text, as its media type says')
    return { type: 'text', text: name === null ? text : `${name}:\n\n${text}` }
  }
  return { type: 'file', file: { file_data: data, ...(name !== null && { filename: name }) } }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decoded(data: string, isBase64: boolean): string | null {
  try {
    return isBase64 ? utf8.decode(Buffer.from(data, 'base64')) : decodeURIComponent(data)
  } catch {
    return null
  }
}

function noFiles(param: string, field: string): Fault {
  return refusedAt(param, `is not offered here, because no files are kept: send it in \`${field}\``)
}

/** Whether a mapping gave what is wrong instead of its result. Nothing of a chat request has a `code`. */
export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value
}
