/**
 * Engines behind scouts of the product that mislead, talk too much or never end, and clients that make them do so.
 * `attacks.ts` lists these attacks.
 */
import { rssOfPid } from '../../load/child.ts'
import { EngineStandIn, endlessModels, pickyModel, secrets, talkativeModel } from '../site/engine-stand-in.ts'
import { type Attack, chatFor, type Site } from '../site/site.ts'

/** What one scout may take while its engine never ends. */
const scoutRssMbMax = 250
const bystanderPerSecond = 10

function engine(site: Site): EngineStandIn {
  const made = new EngineStandIn()
  site.onEnd(() => made.close())
  return made
}

const picky: Attack = {
  name: 'one-request',
  about: 'requests that an engine refuses as if the model or the account were gone, beside others for the same model',
  prepares: true,
  async run(site) {
    const { url } = engine(site)
    for (const name of ['picky-1', 'picky-2']) site.scoutBefore(url, name)
    await site.offered(pickyModel)
    site.begins()
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
    const bodies = [chatFor(pickyModel, { tools }), chatFor(pickyModel, { max_tokens: 100_000 })]
    let turn = 0
    site.loop(4, '/v1/chat/completions', () => bodies[turn++ % bodies.length]!)
    const asked: Promise<{ status: number; text: string }>[] = []
    const bystander = () => site.ask('/v1/chat/completions', chatFor(pickyModel), site.options.bystanderKey)
    site.every(bystanderPerSecond, () => void asked.push(bystander()))
    return async () => {
      const answers = await Promise.all(asked.slice(0, -bystanderPerSecond))
      const failed = answers.filter(({ status }) => status !== 200)
      if (failed.length === 0 && answers.length > 0) return []
      return [`${failed.length} of ${answers.length} others for that model failed: ${failed[0]?.text.slice(0, 200)}`]
    }
  },
}

const talkative: Attack = {
  name: 'secrets',
  about: 'an engine whose errors repeat keys and a URL with a password',
  prepares: true,
  async run(site) {
    const { url } = engine(site)
    site.scoutBefore(url, 'talkative', { COMPATIBLE_API_KEY: secrets.scoutKey })
    await site.offered(talkativeModel)
    site.begins()
    const asked: Promise<{ text: string }>[] = []
    site.every(10, () => void asked.push(site.ask('/v1/chat/completions', chatFor(talkativeModel))))
    return async () => {
      // The first ones have been tried as often as they may by now.
      const heard = (await Promise.all(asked.slice(0, 10))).map(({ text }) => text)
      const told = Object.values(secrets).filter((secret) => heard.some((text) => text.includes(secret)))
      const silent = heard.length > 0 ? [] : ['nobody was told anything']
      return [...silent, ...told.map((secret) => `a client was told ${secret}`)]
    }
  },
}

const endless: Attack = {
  name: 'endless-engines',
  about: 'an engine that never ends, with comments, one line, content and a body, streamed and not',
  prepares: true,
  async run(site) {
    const scout = site.scoutBefore(engine(site).url, 'endless')
    await site.offered(endlessModels[0]!)
    site.begins()
    let rssMb = 0
    site.every(20, () => {
      rssMb = Math.max(rssMb, rssOfPid(scout.pid).rssMb)
    })
    const ended: Record<string, number> = {}
    for (const model of endlessModels) {
      for (const stream of [false, true]) {
        const ask = async (): Promise<void> => {
          while (!site.isOver) {
            const { status } = await site.ask('/v1/chat/completions', chatFor(model, { stream, max_tokens: 100 }))
            if (status > 0) ended[model] = (ended[model] ?? 0) + 1
          }
        }
        void ask()
      }
    }
    return () => {
      const misses = endlessModels.filter((model) => !ended[model]).map((model) => `${model} was never cut`)
      if (rssMb > scoutRssMbMax) misses.push(`its scout took ${Math.round(rssMb)} MB, wanted <= ${scoutRssMbMax} MB`)
      return misses
    }
  },
}

export const engineAttacks = [picky, talkative, endless]
