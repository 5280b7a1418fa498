/**
 * Checks that the hub attests the very answer that an SDK gave: asks a question, fetches the receipt of the answer, and
 * looks in it for the hash of the texts that came. docs/operations/ledger.md has the form of both.
 *
 *   CHASM_KEY=chasm_client_… bun docs/examples/answer-hash.ts 'Say hello'
 *
 * `CHASM_URL` is another hub than the one on this machine, with its `/v1`.
 */
import { createHash } from 'node:crypto'
import OpenAI from 'openai'

/** What the receipt covers of one choice; absent and empty texts do not count. */
export interface ChoiceTexts {
  index: number
  message: {
    content?: string | null
    refusal?: string | null
    tool_calls?: readonly { type?: string; function?: { name: string; arguments: string } }[] | null
  }
}

/** What `GET /v1/receipts/{id}` says, as far as it is needed here: bytes in base64url. */
export interface Proof {
  receipt: string
  salt: string
}

/** Whether the receipt is of these choices. `chasm-verify` says whether it is in the hub's chain. */
export function isAttested({ receipt, salt }: Proof, choices: readonly ChoiceTexts[]): boolean {
  const hash = answerHash(Buffer.from(salt, 'base64url'), choices)
  return Buffer.from(receipt, 'base64url').includes(hash)
}

function answerHash(salt: Uint8Array, choices: readonly ChoiceTexts[]): Buffer {
  const hash = createHash('sha256').update('chasm-answer-v1').update(salt)
  for (const { index, message } of [...choices].sort((one, other) => one.index - other.index)) {
    const calls = message.tool_calls ?? []
    const texts = [
      { part: 0, place: 0, text: message.content },
      { part: 1, place: 0, text: message.refusal },
      ...calls.map((call, place) => ({ part: 2, place, text: call.function?.name })),
      ...calls.map((call, place) => ({ part: 3, place, text: call.function?.arguments })),
    ]
    for (const { part, place, text } of texts) if (text) hash.update(rowOf(index, part, place, Buffer.from(text)))
  }
  return hash.digest()
}

function rowOf(choice: number, part: number, place: number, text: Buffer): Buffer {
  const head = Buffer.alloc(17)
  head.writeUInt32BE(choice, 0)
  head[4] = part
  head.writeUInt32BE(place, 5)
  head.writeBigUInt64BE(BigInt(text.length), 9)
  return Buffer.concat([head, createHash('sha256').update(text).digest()])
}

/** The receipt of an answer by its id: it is sealed about a second after the answer, and is not there before. */
async function proofOf(id: string, baseURL: string, key: string): Promise<Proof> {
  for (let tries = 20; ; tries--) {
    const response = await fetch(`${baseURL}/receipts/${id}`, { headers: { authorization: `Bearer ${key}` } })
    if (response.status === 200) return (await response.json()) as Proof
    if (tries === 0) throw new Error(`There is no receipt of ${id}: HTTP ${response.status}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function main(question = 'Say hello'): Promise<void> {
  const { CHASM_URL: baseURL = 'http://127.0.0.1:8080/v1', CHASM_KEY: apiKey = '' } = process.env
  const openai = new OpenAI({ baseURL, apiKey })
  const messages = [{ role: 'user' as const, content: question }]
  const stream = openai.chat.completions.stream({ model: 'auto', messages })
  const { id, choices } = await stream.finalChatCompletion()
  const proof = await proofOf(id, baseURL, apiKey)
  const verdict = isAttested(proof, choices) ? 'Attested' : 'NOT ATTESTED'
  process.stdout.write(`${choices[0]?.message.content}\n\n${verdict}: ${id}\n`)
}

if (import.meta.main) await main(process.argv[2])
