/**
 * `npm run intent "…"`: sends one intent to a hub, draws its scroll while it is carried out, and prints the answer. It
 * is a client like any other and needs only the hub's address and a key. The tree goes to standard error, redrawn in
 * place on a terminal and as plain lines elsewhere; the answer alone goes to standard output.
 */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadEnvFile } from '../../shared/env-file.ts'
import { fetchProxy } from '../../shared/network/proxy-rule.ts'
import { realSystem } from '../../shared/system.ts'
import { ScrollTree } from './intent/intent-tree.ts'

const usage = `Usage: npm run -s intent -- [options] "what you want"
  --template NAME     single, map-reduce, ensemble, debate, plan-and-solve or auto (the default)
  --param NAME=VALUE  a param of the template; a value that is JSON counts as such
  --model NAME        for nodes of which nothing else is said
  --scroll FILE       a scroll of your own, as JSON
  --document FILE     the text that map-reduce reads
  --plan              shows the plan and what it would take, and does not run it
ORCHESTRATOR_URL is the hub's address (http://127.0.0.1:8080 when absent), CHASM_KEY holds your key.`

const drawEveryMs = 100
const retriesMax = 20
const retryMs = 500

type Json = Record<string, unknown>

const system = realSystem()

process.exitCode = await run(process.argv.slice(2)).catch((error: Error) => complain(1, error.message))

async function run(args: string[]): Promise<number> {
  const read = readArguments(args)
  if (typeof read === 'string') return complain(2, `${read}\n${usage}`)
  const { body, isDry } = read
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(1, flaw)
  const key = process.env.CHASM_KEY ?? ''
  if (key === '') return complain(2, 'Set CHASM_KEY to a client key: make one with `npm run -s key -- client`.')
  const hub = new HubClient(httpUrl(process.env.ORCHESTRATOR_URL ?? 'http://127.0.0.1:8080'), key)
  if (isDry) {
    process.stdout.write(`${JSON.stringify(await hub.json('POST', '/v1/intents/plan', body), null, 2)}\n`)
    return 0
  }
  const { id } = await hub.json('POST', '/v1/intents', body)
  const cancel = () => void hub.json('DELETE', `/v1/intents/${String(id)}`).finally(() => process.exit(130))
  process.once('SIGINT', cancel)
  process.stderr.write(`Its run: ${hub.url}/#intents/${String(id)}\n`)
  await watch(hub, String(id))
  process.off('SIGINT', cancel)
  return report(await hub.json('GET', `/v1/intents/${String(id)}`))
}

function report(intent: Json): number {
  const {
    state,
    result,
    error,
    usage: used,
    id,
  } = intent as {
    state: string
    id: string
    result: { choices?: { message: { content: string } }[] } | null
    error: { message: string } | null
    usage: { total_tokens: number }
  }
  process.stderr.write(`${id} ${state}, ${used.total_tokens} tokens\n`)
  if (state !== 'done') return complain(1, error?.message ?? `The intent is ${state}.`)
  process.stdout.write(`${result?.choices?.[0]?.message.content ?? JSON.stringify(result)}\n`)
  return 0
}

/** Follows the events to their end; a connection that breaks off is taken up where it was. */
async function watch(hub: HubClient, id: string): Promise<void> {
  const tree = new ScrollTree()
  const screen = new Screen(tree)
  let last = ''
  try {
    for (let tries = 0; tries < retriesMax; tries++) {
      const response = await hub.open(`/v1/intents/${id}/events`, last)
      if (response?.status === 204) return
      for await (const event of eventsIn(response)) {
        tries = 0
        last = event.id
        const line =
          event.type === 'chunk' ? null : tree.add(event.type, JSON.parse(event.data) as Json, system.nowMs())
        screen.show(line)
        if (event.type === 'done') return
      }
      await new Promise<void>((resolve) => system.after(retryMs, resolve))
    }
    throw new Error(`The hub cannot be reached any more: see GET /v1/intents/${id} when it is back.`)
  } finally {
    screen.end()
  }
}

/** One block that is redrawn in place, or a line for each event where there is no terminal. */
class Screen {
  private rows = 0
  private drawnMs = Number.NEGATIVE_INFINITY

  constructor(private readonly tree: ScrollTree) {}

  show(line: string | null): void {
    if (!process.stderr.isTTY) {
      if (line !== null) process.stderr.write(`${line}\n`)
      return
    }
    const nowMs = system.nowMs()
    if (nowMs - this.drawnMs < drawEveryMs) return
    this.drawnMs = nowMs
    this.draw(nowMs)
  }

  end(): void {
    if (process.stderr.isTTY) this.draw(system.nowMs())
  }

  private draw(nowMs: number): void {
    // A terminal that does not know its size reports 0.
    const columns = process.stderr.columns || 80
    const rows = process.stderr.rows || 24
    const lines = this.tree.draw(nowMs, columns - 1)
    // What is higher than the screen cannot be redrawn: its end is what moves.
    const shown = lines.slice(-(rows - 2))
    const up = this.rows > 0 ? `\u001b[${this.rows}A` : ''
    process.stderr.write(`${up}\u001b[0J${shown.join('\n')}\n`)
    this.rows = shown.length
  }
}

class HubClient {
  constructor(
    readonly url: string,
    private readonly key: string,
  ) {}

  /** The body of the answer. Throws one sentence when it is a refusal. */
  async json(method: string, path: string, body?: Json): Promise<Json> {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' }
    const proxy = fetchProxy(this.url, process.env)
    const init = { method, headers, proxy, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(this.url + path, init).catch(() => {
      throw new Error(`There is no hub at ${this.url}: start one with \`npm start\`, or set ORCHESTRATOR_URL.`)
    })
    const answer = (await response.json().catch(() => ({}))) as Json & { error?: { message: string } }
    if (!response.ok) throw new Error(answer.error?.message ?? `The hub answered with status ${response.status}.`)
    return answer
  }

  /** A stream of events after `last`; undefined while the hub is away. */
  open(path: string, last: string): Promise<Response | undefined> {
    const headers = { authorization: `Bearer ${this.key}`, ...(last !== '' && { 'last-event-id': last }) }
    return fetch(this.url + path, { headers, proxy: fetchProxy(this.url, process.env) }).catch(() => undefined)
  }
}

async function* eventsIn(response: Response | undefined): AsyncGenerator<{ id: string; type: string; data: string }> {
  if (!response?.ok || response.body === null) return
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const bytes of response.body) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const found = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block)
        if (found !== null) yield { id: found[1]!, type: found[2]!, data: found[3]! }
      }
    }
  } catch {
    // The connection is gone; the reader opens another one.
  }
}

/** What is to be asked, or what is wrong with the command line. */
function readArguments(args: string[]): { body: Json; isDry: boolean } | string {
  const text = { type: 'string' } as const
  const options = {
    ...{ template: text, model: text, scroll: text, document: text },
    param: { type: 'string', multiple: true },
    plan: { type: 'boolean' },
  } as const
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    const { template = 'auto', model, scroll, document, param = [], plan: isDry = false } = values
    const asked = positionals.join(' ')
    const named = model === undefined ? {} : { model }
    if (scroll !== undefined)
      return { body: { scroll: JSON.parse(readFileSync(scroll, 'utf8')) as Json, ...named }, isDry }
    if (asked === '') return 'Say what you want.'
    const own = Object.fromEntries(param.map(readParam))
    const read =
      document === undefined ? { input: asked } : { question: asked, document: readFileSync(document, 'utf8') }
    return { body: { template, params: { ...read, ...own }, ...named }, isDry }
  } catch (error) {
    return (error as Error).message
  }
}

function readParam(text: string): [string, unknown] {
  const at = text.indexOf('=')
  if (at < 1) throw new Error(`--param takes NAME=VALUE, not ${text}.`)
  const value = text.slice(at + 1)
  try {
    return [text.slice(0, at), JSON.parse(value)]
  } catch {
    return [text.slice(0, at), value]
  }
}

/** The address scouts use is the same but for its scheme. */
function httpUrl(url: string): string {
  return url.replace(/^ws/, 'http').replace(/\/+$/, '')
}

function complain(exitCode: number, sentence: string): number {
  process.stderr.write(`${sentence}\n`)
  return exitCode
}
