/**
 * A certificate made on the spot, signed by nobody but itself, for the names that a test uses. It is its own authority,
 * so that a program that is told to trust it (`NODE_EXTRA_CA_CERTS`) does. Written out in DER (X.690) field by field
 * (RFC 5280), because neither the runtime nor a package here makes certificates.
 */
import { createSign, generateKeyPairSync } from 'node:crypto'

const dayMs = 86_400_000

/** The PEM texts of a new key and its certificate, valid for these names from yesterday until tomorrow. */
export function certificateFor(names: readonly string[]): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const algorithm = sequence(identifier(1, 2, 840, 10045, 4, 3, 2))
  const name = sequence(set(sequence(identifier(2, 5, 4, 3), der(0x0c, Buffer.from(names[0]!)))))
  const now = Date.now()
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.from(`01${crypto.randomUUID().replaceAll('-', '')}`, 'hex')),
    algorithm,
    name,
    sequence(time(now - dayMs), time(now + dayMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternativeNames(names), authority())),
  )
  const signature = createSign('sha256').update(body).sign(privateKey)
  const certificate = sequence(body, algorithm, bits(signature))
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert: pem(certificate) }
}

function alternativeNames(names: readonly string[]): Buffer {
  return sequence(identifier(2, 5, 29, 17), der(0x04, sequence(...names.map((name) => der(0x82, Buffer.from(name))))))
}

/** It may sign, itself too. */
function authority(): Buffer {
  return sequence(
    identifier(2, 5, 29, 19),
    der(0x01, Buffer.from([0xff])),
    der(0x04, sequence(der(0x01, Buffer.from([0xff])))),
  )
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function set(...parts: Buffer[]): Buffer {
  return der(0x31, ...parts)
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes)
}

function bits(bytes: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), bytes)
}

/** In the form for years before 2050, of which two digits are written. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')
  return der(0x17, Buffer.from(digits.slice(2)))
}

/** An object identifier: the first two numbers in one byte, the others in groups of seven bits. */
function identifier(first: number, second: number, ...rest: number[]): Buffer {
  const bytes = [40 * first + second]
  for (const number of rest) {
    const groups = [number & 0x7f]
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
