/**
 * Blocks of content as parts of a chat message: text, images, documents and search results. Fields and kinds that have
 * no counterpart are noted by name. `turns.ts` calls it for messages and for results of tools.
 */
import { isObject, type Json, objectsIn, type Refusals } from './refusals.ts'

const known = {
  text: new Set(['type', 'text', 'cache_control', 'citations']),
  image: new Set(['type', 'source', 'cache_control']),
  document: new Set(['type', 'source', 'title', 'context', 'cache_control', 'citations']),
  search_result: new Set(['type', 'source', 'title', 'content', 'cache_control', 'citations']),
} as const

type Kind = keyof typeof known
export const contentKinds: readonly string[] = Object.keys(known)

/** The parts that one block comes to. */
export function partsOf(block: Json, place: string, refusals: Refusals): Json[] {
  const { type } = block
  if (typeof type !== 'string' || !Object.hasOwn(known, type)) {
    refusals.add(`${place}.type`, `must be one of ${contentKinds.join(', ')} here, and is ${shown(type)}`)
    return []
  }
  refusals.only(block, known[type as Kind], place)
  switch (type as Kind) {
    case 'text':
      return [textPart(refusals.text(block, 'text', place))]
    case 'image':
      return imageParts(block.source, `${place}.source`, refusals)
    case 'document':
      return documentParts(block, place, refusals)
    case 'search_result':
      return searchParts(block, place, refusals)
  }
}

export function textPart(text: string): Json {
  return { type: 'text', text }
}

/** The text of a part, and null of a picture or a file. */
export function textOf(part: Json): string | null {
  return part.type === 'text' ? (part.text as string) : null
}

/** Text blocks as one text; anything else is noted. */
export function plainText(content: unknown, place: string, refusals: Refusals): string {
  if (typeof content === 'string') return content
  const texts = objectsIn(content, place, refusals).map((block, at) => {
    if (block.type !== 'text') refusals.add(`${place}[${at}].type`, 'must be text here')
    else refusals.only(block, known.text, `${place}[${at}]`)
    return refusals.text(block, 'text', `${place}[${at}]`)
  })
  return texts.join('\n\n')
}

export function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 64)}"` : 'none'
}

function imageParts(source: unknown, place: string, refusals: Refusals): Json[] {
  if (!isObject(source)) return refused(refusals, place, 'must be an object with a `type`')
  switch (source.type) {
    case 'base64':
      return [imagePart(dataUrl(source, place, refusals))]
    case 'url':
      return [imagePart(refusals.text(source, 'url', place))]
    default:
      return refused(refusals, `${place}.type`, `must be "base64" or "url", and is ${shown(source.type)}`)
  }
}

function imagePart(url: string): Json {
  return { type: 'image_url', image_url: { url } }
}

function dataUrl(source: Json, place: string, refusals: Refusals): string {
  const mediaType = refusals.text(source, 'media_type', place)
  if (!/^[a-z]+\/[a-z0-9.+-]+$/i.test(mediaType)) refusals.add(`${place}.media_type`, 'must be a media type')
  return `data:${mediaType};base64,${refusals.text(source, 'data', place)}`
}

/** A PDF goes on as a file, which some providers take; text becomes text. */
function documentParts(block: Json, place: string, refusals: Refusals): Json[] {
  refuseCitations(block, place, refusals)
  const { source, title, context } = block
  const about = [title, context].filter((text) => typeof text === 'string' && text !== '').join('\n')
  const before = about === '' ? [] : [textPart(about)]
  const from = `${place}.source`
  if (!isObject(source)) return refused(refusals, from, 'must be an object with a `type`')
  switch (source.type) {
    case 'text':
      return [...before, textPart(refusals.text(source, 'data', from))]
    case 'content':
      if (typeof source.content === 'string') return [...before, textPart(source.content)]
      return [...before, ...innerParts(source.content, `${from}.content`, refusals)]
    case 'base64': {
      const name = typeof title === 'string' && title !== '' ? title : 'document'
      const file = { filename: /\.pdf$/i.test(name) ? name : `${name}.pdf`, file_data: dataUrl(source, from, refusals) }
      if (source.media_type !== 'application/pdf') refusals.add(`${from}.media_type`, 'must be "application/pdf"')
      return [...before, { type: 'file', file }]
    }
    default: {
      const advice = 'send the document in the request, as "base64", "text" or "content"'
      return refused(refusals, `${from}.type`, `is ${shown(source.type)}, which is not offered here: ${advice}`)
    }
  }
}

/** Text and images inside of a document. */
function innerParts(content: unknown, place: string, refusals: Refusals): Json[] {
  return objectsIn(content, place, refusals).flatMap((block, at) => {
    if (block.type === 'text' || block.type === 'image') return partsOf(block, `${place}[${at}]`, refusals)
    return refused(refusals, `${place}[${at}].type`, 'must be text or image here')
  })
}

function searchParts(block: Json, place: string, refusals: Refusals): Json[] {
  refuseCitations(block, place, refusals)
  const title = refusals.text(block, 'title', place)
  const source = refusals.text(block, 'source', place)
  return [textPart(`${title}\n${source}\n${plainText(block.content, `${place}.content`, refusals)}`)]
}

function refuseCitations({ citations }: Json, place: string, refusals: Refusals): void {
  if (isObject(citations) && citations.enabled === true) {
    refusals.add(`${place}.citations`, 'is not offered here: ask for quotes in the prompt instead')
  }
}

function refused(refusals: Refusals, param: string, rule: string): Json[] {
  refusals.add(param, rule)
  return []
}
