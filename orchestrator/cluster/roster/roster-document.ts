/**
 * The roster as a document: who the authorities of an epoch are, how many of them have to sign the next one, and which
 * document came before. It owns its form, its one spelling as bytes (which is what is signed and hashed), and the file
 * that holds a history of documents with their signatures. Whether signatures are enough is decided in
 * `roster-chain.ts`. Files come from strangers: they are measured before they are parsed.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import {
  authoritiesMax,
  hubNameCharsMax,
  hubUrlCharsMax,
  rosterEpochsMax,
  rosterFileBytesMax,
} from '../../../shared/limits/cluster/roster.ts'
import { bytesOfText, isPublicKey, signatureBytes } from './identity.ts'

const hashHexChars = 64
/** In front of the signed bytes, so that a signature of a roster can stand for nothing else. */
const domain = 'chasm roster 1\n'

/** One authority. */
export interface HubEntry {
  readonly name: string
  /** Its public key. */
  readonly key: string
  /** Where clients and scouts reach it: an origin without a path. */
  readonly url: string
}

export interface RosterDocument {
  /** From 1, without gaps. */
  readonly epoch: number
  /** Hash of the document of the epoch before; empty in the first. */
  readonly previous: string
  /** How many authorities of this document have to sign the next one. */
  readonly threshold: number
  /** By name, in order. */
  readonly hubs: readonly HubEntry[]
}

interface RosterSignature {
  /** Name of an authority of the epoch before; in the first document, of its one hub. */
  readonly by: string
  readonly signature: string
}

export interface SignedRoster {
  readonly document: RosterDocument
  readonly signatures: readonly RosterSignature[]
}

const nameForm = new RegExp(`^[a-z0-9](?:[a-z0-9-]{0,${hubNameCharsMax - 2}}[a-z0-9])?$`)

const hubSchema = z.strictObject({
  name: z.string().refine(isHubName, `a hub's name is 1 to ${hubNameCharsMax} of a-z, 0-9 and dashes between them`),
  key: z.string().refine(isPublicKey, 'a key is ed25519: and 43 characters, as `cluster -- identity` shows it'),
  url: z.string().refine(isHubUrl, 'an address is as https://hub.example, without a path'),
})

const documentSchema = z.strictObject({
  epoch: z.int().min(1).max(rosterEpochsMax),
  previous: z.string().regex(new RegExp(`^([0-9a-f]{${hashHexChars}})?$`)),
  threshold: z.int().min(1).max(authoritiesMax),
  hubs: z.array(hubSchema).min(1).max(authoritiesMax),
})

const signaturesSchema = z
  .array(
    z.strictObject({
      by: z.string().refine(isHubName),
      signature: z.string().refine((text) => bytesOfText(text, signatureBytes) !== null, 'a signature has 64 bytes'),
    }),
  )
  .max(authoritiesMax)

const fileSchema = z.strictObject({
  chasm_roster: z.literal(1),
  documents: z
    .array(documentSchema.extend({ signatures: signaturesSchema }))
    .min(1)
    .max(rosterEpochsMax),
})

function isHubName(text: string): boolean {
  return nameForm.test(text)
}

function isHubUrl(text: string): boolean {
  if (text.length > hubUrlCharsMax || !/^https?:\/\/[^/?#@]+$/.test(text)) return false
  return URL.parse(text)?.origin === text
}

/** What is wrong with a document by itself, as a clause; null when nothing is. */
export function documentFlaw(document: RosterDocument): string | null {
  const parsed = documentSchema.safeParse(document)
  if (!parsed.success) return firstIssue(parsed.error)
  const { hubs, threshold } = document
  if (threshold > hubs.length) return `its threshold is ${threshold}, but it has ${hubs.length} hubs`
  for (const [at, { name, key }] of hubs.entries()) {
    const before = hubs[at - 1]
    if (before !== undefined && before.name >= name) return 'its hubs are not in the order of their names'
    if (hubs.findIndex((hub) => hub.key === key) !== at) return `two of its hubs have the key ${key}`
  }
  return null
}

/** The document in its one spelling, as it is signed. */
export function documentBytes({ epoch, previous, threshold, hubs }: RosterDocument): Uint8Array {
  const ordered = hubs.map(({ name, key, url }) => ({ name, key, url }))
  return Buffer.from(domain + JSON.stringify({ epoch, previous, threshold, hubs: ordered }))
}

/** In hexadecimal. Signatures are no part of it. */
export function documentHash(document: RosterDocument): string {
  return createHash('sha256').update(documentBytes(document)).digest('hex')
}

/** The text of a file with these documents, oldest first, one a line. */
export function rosterFileText(documents: readonly SignedRoster[]): string {
  const lines = documents.map(({ document: { epoch, previous, threshold, hubs }, signatures }) =>
    JSON.stringify({ epoch, previous, threshold, hubs, signatures }),
  )
  return `{"chasm_roster":1,"documents":[\n${lines.join(',\n')}\n]}\n`
}

/** The documents of a file, well-formed but not verified; or what is wrong with it, as a clause. */
export function readRosterFile(bytes: Uint8Array): readonly SignedRoster[] | { flaw: string } {
  if (bytes.length > rosterFileBytesMax) return { flaw: `it has more than ${rosterFileBytesMax} bytes` }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { flaw: 'it is not JSON' }
  }
  const parsed = fileSchema.safeParse(value)
  if (!parsed.success) return { flaw: firstIssue(parsed.error) }
  const documents = parsed.data.documents.map(({ signatures, ...document }) => ({ document, signatures }))
  for (const { document } of documents) {
    const flaw = documentFlaw(document)
    if (flaw !== null) return { flaw: `in epoch ${document.epoch}, ${flaw}` }
  }
  return documents
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'it is no roster'
  return `${issue.path.join('.') || 'it'} is wrong: ${issue.message}`
}
