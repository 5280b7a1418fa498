/**
 * Embeddings are audited as texts are: a scout that gives one vector for every text is convicted among honest ones,
 * whatever form clients ask for, and gets nothing more.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { Provider, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { patienceMs } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const size = 32

/** A direction of its own for each text. */
function directionOf(text: string): number[] {
  return Array.from({ length: size }, (_, at) => (Number(Bun.hash(`${at} ${text}`) % 2_000n) - 1_000) / 1_000)
}

class EmbeddingProvider implements Provider {
  readonly name = 'embedding'

  constructor(private readonly embed: (text: string) => number[]) {}

  async discover(): Promise<Offer[]> {
    return [offerOf({ kind: 'embed', model: 'vectors', provider: this.name })]
  }

  async answer({ body }: ProviderRequest): Promise<ProviderAnswer> {
    const asked = JSON.parse(Buffer.from(body).toString('utf8')) as { input: string[]; encoding_format?: string }
    const data = asked.input.map((text, index) => {
      const values = this.embed(text)
      const packed = Buffer.from(Float32Array.from(values).buffer).toString('base64')
      return { object: 'embedding', index, embedding: asked.encoding_format === 'base64' ? packed : values }
    })
    return { json: JSON.stringify({ data, usage: { prompt_tokens: 1, total_tokens: 1 } }) }
  }
}

test('a scout with one vector for every text is convicted, and the honest ones are not', async () => {
  const config = { ...quietConfig(temporaryFolder()), trust: 'enforce' as const }
  const live = new LiveHub({ config, trust: { delay: { minMs: 1, maxMs: 2 }, tickMs: 5, auditsPerDayMin: 5_000 } })
  onTestFinished(() => live.close())
  const constant = directionOf('anything')
  for (const name of ['ant', 'bee', 'cow', 'cheat']) {
    const { key } = live.hub.keyring.issue('scout', name)
    const embed = name === 'cheat' ? () => constant : directionOf
    await live.addScout({ name, key, providers: [new EmbeddingProvider(embed)] })
  }
  const records = () => [...live.hub.trust!.book.list()]
  const cheat = () => records().find(({ scout }) => scout.endsWith('/cheat'))
  let asked = 0
  const embed = async () => {
    const format = asked % 2 ? { encoding_format: 'base64' } : {}
    const body = { model: 'vectors', input: [`text ${asked++}`, `more of ${asked}`], ...format }
    const response = await live.post('/v1/embeddings', body)
    expect(response.status).toBe(200)
    return ((await response.json()) as { chasm: { scout: string; trust: string } }).chasm
  }
  const endMs = performance.now() + patienceMs
  while (cheat()?.state !== 'convicted') {
    if (performance.now() > endMs) throw new Error(`not in ${asked} requests: ${JSON.stringify(cheat())}`)
    await embed()
  }
  for (let times = 0; times < 20; times++) expect((await embed()).scout).not.toMatch(/cheat$/)
  for (const { scout, state, failed } of records())
    if (!scout.endsWith('/cheat')) expect([state, failed]).toEqual(['new', 0])
})
