/**
 * How many durable intents a hub accepts per second, each flushed to the disk before its 202, and how long a client
 * waits for that. The hub is a process of its own, this one makes the load: clients with one keep-alive connection
 * each, the next request after the answer to the last. `npm run bench:durable [-- --seconds 10 --clients 64]`.
 */
import { parseArgs } from 'node:util'
import { warmUpMs } from '../load/warm-up.ts'
import type { HttpLine } from './http-line.ts'
import { Site } from './site.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, clients: { type: 'string', default: '64' } },
})
const seconds = Number(values.seconds)
const clients = Number(values.clients)

const intent = JSON.stringify({ input: 'What is the depth of the chasm? '.repeat(8), metadata: { bench: 'accept' } })

interface Load {
  tookMs: number[]
  refused: Map<number, number>
}

/** One client until `endMs`; answers before `fromMs` do not count. */
async function post(line: HttpLine, keyed: boolean, fromMs: number, endMs: number, load: Load): Promise<void> {
  for (let begin = performance.now(); begin < endMs; begin = performance.now()) {
    const headers = keyed ? `idempotency-key: ${crypto.randomUUID()}\r\n` : ''
    const { status } = await line.ask('POST', '/v1/intents', intent, headers)
    const tookMs = performance.now() - begin
    if (status !== 202) load.refused.set(status, (load.refused.get(status) ?? 0) + 1)
    else if (begin >= fromMs) load.tookMs.push(tookMs)
  }
}

async function measure(name: string, count: number, keyed: boolean): Promise<void> {
  const site = await Site.open()
  try {
    const lines = Array.from({ length: count }, () => site.line())
    const load: Load = { tookMs: [], refused: new Map() }
    const fromMs = performance.now() + warmUpMs
    const endMs = fromMs + seconds * 1_000
    await Promise.all(lines.map((line) => post(line, keyed, fromMs, endMs, load)))
    for (const line of lines) line.close()
    const { tookMs, refused } = load
    tookMs.sort((a, b) => a - b)
    const at = (share: number) => (tookMs[Math.floor((tookMs.length - 1) * share)] ?? 0).toFixed(1)
    const rate = (tookMs.length / seconds).toFixed(0)
    const others = refused.size === 0 ? 'none' : JSON.stringify([...refused])
    print(`| ${name} | ${count} | ${rate} | ${at(0.5)} | ${at(0.99)} | ${at(1)} | ${others} |`)
  } finally {
    await site.close()
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

print('| request | clients | accepted/s | p50 ms | p99 ms | max ms | not 202 |')
print('|---|--:|--:|--:|--:|--:|---|')
await measure('one task', clients, false)
await measure('one task, Idempotency-Key', clients, true)
await measure('one task', 1, false)
