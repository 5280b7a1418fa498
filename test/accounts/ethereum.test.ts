/** Who signed a text, and how an address is spelled: held against viem, which wallets are made with. */
import fc from 'fast-check'
import { getAddress, type Hex, hashMessage } from 'viem'
import { generatePrivateKey, privateKeyToAccount, sign } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { checksummed, plainAddress, signatureOf, signerOf } from '../../orchestrator/accounts/wallet/ethereum.ts'
import '../support/law/seeded-properties.ts'

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const wallet = privateKeyToAccount(`0x${'1'.repeat(64)}`)

async function signed(text: string): Promise<Uint8Array> {
  return signatureOf(await wallet.signMessage({ message: text }))!
}

describe('the signer of a text', () => {
  test('is the wallet that signed it, whatever the text', async () => {
    const texts = fc.string({ unit: 'binary', maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(signerOf(text, await signed(text))).toBe(wallet.address.toLowerCase())
      }),
      { numRuns: 30 },
    )
  })

  test('is the same when the last byte is 0 or 1, as some wallets have it', async () => {
    const signature = await signed('hello')
    signature[64]! -= 27
    expect(signerOf('hello', signature)).toBe(wallet.address.toLowerCase())
  })

  test('is somebody else for another text', async () => {
    expect(signerOf('hellp', await signed('hello'))).not.toBe(wallet.address.toLowerCase())
  })

  test('is nobody for the twin of a signature with a high s, which means the same key', async () => {
    const privateKey = generatePrivateKey()
    const { r, s, yParity } = await sign({ hash: hashMessage('hello'), privateKey })
    const high = (order - BigInt(s)).toString(16).padStart(64, '0')
    const twin = signatureOf(`${r}${high}${(28 - yParity!).toString(16)}` as Hex)!
    const own = signatureOf(`${r}${s.slice(2)}${(27 + yParity!).toString(16)}` as Hex)!
    expect(signerOf('hello', own)).toBe(privateKeyToAccount(privateKey).address.toLowerCase())
    expect(signerOf('hello', twin)).toBeNull()
  })

  test.each([
    ['a last byte of 2', 'tail', 2],
    ['a last byte of 29', 'tail', 29],
    ['a last byte of 255', 'tail', 255],
    ['an r of nothing', 'r', 0],
    ['an s of nothing', 's', 0],
    ['an r beyond the order', 'r', 255],
    ['an s beyond the order', 's', 255],
  ])('is nobody for %s', async (_what, part, byte) => {
    const signature = await signed('hello')
    if (part === 'tail') signature[64] = byte
    else signature.fill(byte, part === 'r' ? 0 : 32, part === 'r' ? 32 : 64)
    expect(signerOf('hello', signature)).toBeNull()
  })

  test('is read off nothing but hexadecimal text', () => {
    for (const text of ['', '0x0', '0xgg', 'ab', '0x ab', '0xab\n']) expect(signatureOf(text)).toBeNull()
    expect(signatureOf('0xAb')).toEqual(Uint8Array.of(0xab))
  })
})

describe('an address', () => {
  test('gets the same checksum as everywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        const plain = `0x${Buffer.from(bytes).toString('hex')}` as Hex
        expect(checksummed(plain)).toBe(getAddress(plain))
        expect([plainAddress(plain), plainAddress(checksummed(plain))]).toEqual([plain, plain])
      }),
    )
  })

  test('is none with a wrong checksum, a letter too few, or another beginning', () => {
    const { address } = wallet
    const mistyped = address.replace(/[a-f](?=[^a-f]*$)/, (letter) => letter.toUpperCase())
    for (const text of [mistyped, address.slice(0, -1), `${address}0`, address.slice(2), `0X${address.slice(2)}`, '']) {
      expect(plainAddress(text)).toBeNull()
    }
    expect(plainAddress(`0x${address.slice(2).toUpperCase()}`)).toBe(address.toLowerCase())
  })
})
