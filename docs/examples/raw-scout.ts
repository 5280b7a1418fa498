// A whole scout in one file, after shared/protocol/PROTOCOL.md, on `ws` and `msgpackr`: a start for a scout
// in another language. It answers every chat with the last user message, word by word. Run it with:
// ORCHESTRATOR_URL=http://127.0.0.1:8080 SCOUT_KEY=chasm_scout_… bun docs/examples/raw-scout.ts
import { Packr } from 'msgpackr'
import { WebSocket } from 'ws'

const hub = (process.env.ORCHESTRATOR_URL ?? 'http://127.0.0.1:8080').replace(/^http/, 'ws').replace(/\/+$/, '')
const wordMs = Number(process.env.WORD_MS ?? 20)
const concurrency = 8
const instance = crypto.randomUUID()
const packr = new Packr({ useRecords: false, int64AsType: 'number' })
const say = (text: string) => process.stdout.write(`${text}\n`)
const nowMs = () => Math.floor(performance.now())
const keyOf = (task: unknown, attempt: unknown) => `${task}/${attempt}`
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

type Frame = unknown[]
type TaskFields = [number, number, Buffer, string, string, boolean, number, number, Frame[], number, Buffer | null]
type Outcome = 'done' | 'failed' | 'released' | 'cancelled'

/** One attempt, from its task frame until the hub has acknowledged its settlement. */
interface Lease {
  task: number
  attempt: number
  nonce: Buffer
  stream: boolean
  ttlMs: number
  dueMs: number
  request: Buffer[]
  /** Bytes of the request that are still to come. */
  missing: number
  /** Whole lines, cut into chunks and kept for a resume; the chunk at `cursor` is sent next. */
  chunks: Buffer[]
  cursor: number
  /** What is left to send of the body that was announced last. */
  fragments: Frame[]
  end: { outcome: Outcome; fault: string; message: string; body: Buffer; atMs: number } | null
  endSent: boolean
  paused: boolean
}

const held = new Map<string, Lease>()
let socket: WebSocket | null = null
let phase: 'waiting' | 'dialing' | 'greeting' | 'ready' | 'draining' | 'stopped' = 'waiting'
let [granted, creditMax, failedDials, ping] = [0, 0, 0, -1]
let [heardMs, silenceMs, windowMs] = [0, 25_000, 15_000]
let [inviting, pumping, spent] = [true, false, { second: 0, frames: 0, control: 0, data: 0 }]

function dial(): void {
  phase = 'dialing'
  heardMs = nowMs()
  const headers = { Authorization: `Bearer ${process.env.SCOUT_KEY}` }
  const own = new WebSocket(`${hub}/v1/scout`, ['chasm.v1'], { headers, perMessageDeflate: false, maxPayload: 65536 })
  socket = own
  const hear = (listener: () => void) => own === socket && listener()
  own.on('open', () => hear(greet))
  own.on('message', (data, isBinary) => hear(() => (isBinary ? take(data as Buffer) : hangUp(4400, 'text'))))
  own.on('unexpected-response', (request, { statusCode = 0 }) => {
    request.destroy()
    hear(() => ([400, 401, 403, 426].includes(statusCode) ? stop(1, `refused with ${statusCode}`) : lost(0)))
  })
  own.on('error', () => {}).on('close', (status) => hear(() => lost(status)))
}

function greet(): void {
  phase = 'greeting'
  heardMs = nowMs()
  const offers = [['chat', 'echo', 'raw-scout', 0, 0, null, null, 'Says the last user message again.']]
  const leases = [...held.values()].map(({ task, attempt, nonce }) => [task, attempt, nonce])
  send([1, 1, process.env.SCOUT_NAME ?? 'raw-scout', instance, 'raw-scout/1', concurrency, offers, leases])
}

function lost(status: number): void {
  socket = null
  if (phase === 'stopped') return
  if (phase === 'draining') return stop(1, `the connection ended while draining (${status})`)
  if (status >= 4500 && status <= 4999) return stop(1, `the hub sent this scout away (${status})`)
  const spreadMs = phase === 'ready' ? windowMs : Math.min(30_000, 1_000 * 2 ** failedDials++)
  setTimeout(dial, status === 4409 ? 60_000 + Math.random() * 15_000 : Math.random() * spreadMs)
  phase = 'waiting'
  for (const lease of held.values()) {
    Object.assign(lease, { fragments: [], paused: false })
    if (lease.missing > 0) forget(lease) // The rest of a request does not come in another session.
  }
}

function hangUp(status: number, reason: string): void {
  const old = socket
  lost(status)
  old?.close(status, reason)
  setTimeout(() => old?.terminate(), 1_000)
}

function stop(exitCode: number, reason: string, status = 1000): void {
  say(`Stopped: ${reason}`)
  phase = 'stopped'
  socket?.close(status)
  setTimeout(() => process.exit(exitCode), 100)
}

// ---------------------------------------------------------------- what arrives
function take(message: Buffer): void {
  let [type, ...fields]: Frame = []
  try {
    ;[type, ...fields] = packr.unpack(message) as Frame
  } catch {
    return hangUp(4400, 'not a msgpack array')
  }
  if ((type === 65) !== (phase === 'greeting')) return hangUp(4400, `frame ${type} while ${phase}`)
  heardMs = nowMs()
  const lease = held.get(keyOf(fields[0], fields[1]))
  if (type === 65) welcome(fields)
  else if (type === 66) accept(fields, lease)
  else if (type === 67) end(lease, 'cancelled', 'cancelled', 'The hub asked for it.')
  else if (type === 68) acknowledge(fields[0])
  else if (type === 69) acknowledge(fields[1], fields[0] as number)
  else if (type === 70) [inviting, windowMs] = [false, Math.max(1_000, fields[0] as number)]
  else if (type === 71 && lease) lease.paused = fields[2] as boolean
  else if (type === 32) assemble(lease, fields[2] as number, fields[3] as Buffer)
  else if (type !== 71 && type !== 72) return hangUp(4400, `unknown frame ${type}`)
  wake()
}

function welcome([version, , identity, , silence, , credits, verdicts]: Frame): void {
  if (version !== 1) return stop(1, 'the hub speaks another version', 4503)
  phase = 'ready'
  ;[granted, creditMax, failedDials] = [0, credits as number, 0]
  ;[silenceMs, windowMs, inviting] = [silence as number, 15_000, true]
  const resumed = (verdicts as Frame[]).filter(([, , verdict]) => verdict === 'resumed')
  const next = new Map(resumed.map(([task, attempt, , chunk]) => [keyOf(task, attempt), chunk]))
  for (const [key, lease] of held) {
    if (next.has(key)) Object.assign(lease, { cursor: next.get(key), endSent: false })
    else forget(lease)
  }
  say(`Connected as ${identity}; goes on with ${held.size}`)
}

function accept(fields: Frame, known: Lease | undefined): void {
  const [task, attempt, nonce, , , stream, ttlMs, deadlineMs, acks, size, body] = fields as TaskFields
  acknowledge(acks)
  if (--granted < 0 || known !== undefined) return hangUp(4400, 'a task too many')
  const given = { task, attempt, nonce: Buffer.from(nonce), stream, ttlMs, missing: size }
  const empty = { request: [], chunks: [], cursor: 0, fragments: [], end: null, endSent: false, paused: false }
  const lease: Lease = { ...given, ...empty, dueMs: nowMs() + deadlineMs }
  held.set(keyOf(task, attempt), lease)
  if (phase === 'draining') end(lease, 'released', 'scout_draining', 'This scout is leaving.')
  else if (body !== null) assemble(lease, 0, body)
}

function assemble(lease: Lease | undefined, index: number, bytes: Buffer): void {
  if (lease === undefined || lease.end !== null) return // It was cancelled meanwhile.
  if (index !== lease.request.length || bytes.length > lease.missing) return hangUp(4400, 'fragment out of order')
  lease.request.push(Buffer.from(bytes))
  lease.missing -= bytes.length
  if (lease.missing === 0) void answer(lease).catch((error) => end(lease, 'failed', 'scout_error', `${error}`))
}

function acknowledge(acks: unknown, asked = ping): void {
  ping = asked
  for (const [task, attempt] of acks as Frame[]) forget(held.get(keyOf(task, attempt)))
}

/** Its work stops, and nothing of it is sent any more. */
function forget(lease: Lease | undefined): void {
  if (lease !== undefined) held.delete(keyOf(lease.task, lease.attempt))
  end(lease, 'cancelled', 'cancelled', '')
}

// ---------------------------------------------------------------- the work
async function answer(lease: Lease): Promise<void> {
  const request = JSON.parse(Buffer.concat(lease.request).toString())
  const last = request.messages.at(-1)
  const asked = request.messages.findLast(({ role }: { role: string }) => role === 'user')?.content
  if (typeof asked !== 'string') return end(lease, 'failed', 'invalid_request', 'Send a user message of text.')
  const begun: string = request.continue_final_message === true && last.prefix === true ? last.content : ''
  if (!asked.startsWith(begun)) return end(lease, 'failed', 'cannot_continue', 'This is another answer.')
  const usage = { prompt_tokens: asked.length, completion_tokens: asked.length, total_tokens: 2 * asked.length }
  const done = (body: object) => end(lease, 'done', '', '', Buffer.from(JSON.stringify(body)))
  const choice = { index: 0, message: { role: 'assistant', content: asked }, finish_reason: 'stop' }
  if (!lease.stream) return done({ choices: [choice], usage })
  line(lease, { role: 'assistant', content: '' }, null)
  for (const word of asked.slice(begun.length).match(/\s*\S+|\s+$/g) ?? []) {
    await sleep(wordMs)
    while (lease.paused && lease.end === null) await sleep(10)
    if (lease.end !== null) return
    line(lease, { content: word }, null)
  }
  line(lease, {}, 'stop')
  done({ choices: [], usage })
}

function line(lease: Lease, delta: object, finish: string | null): void {
  const bytes = Buffer.from(`${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n`)
  const { chunks } = lease
  const waiting = lease.cursor < chunks.length ? chunks.at(-1)! : null
  if (waiting === null || waiting.length + bytes.length > 16384) chunks.push(bytes)
  else chunks[chunks.length - 1] = Buffer.concat([waiting, bytes])
  wake()
}

/** Settles an attempt; the first end counts. */
function end(lease: Lease | undefined, outcome: Outcome, fault: string, text: string, body = Buffer.alloc(0)): void {
  if (lease === undefined || lease.end !== null) return
  if (body.length > 4_194_304) return end(lease, 'failed', 'answer_too_large', 'The answer is too large.')
  if (outcome !== 'done') Object.assign(lease, { chunks: lease.chunks.slice(0, lease.cursor), fragments: [] })
  lease.end = { outcome, fault, message: text.replace(/\p{Cc}/gu, ' ').slice(0, 500), body, atMs: nowMs() }
  lease.missing = 0
  wake()
}

// ---------------------------------------------------------------- what leaves
function wake(): void {
  if (!pumping) setImmediate(pump)
  pumping = true
}

/** The work loop: a pong, credits, then one frame of each attempt in turn for as long as there is room. */
function pump(): void {
  pumping = false
  if (phase !== 'ready' && phase !== 'draining') return
  const taken = [...held.values()].filter(({ endSent }) => !endSent).length
  if (ping >= 0) send([7, ping, taken])
  ping = -1
  const credits = Math.min(concurrency - taken, creditMax) - granted
  if (phase === 'ready' && inviting && credits > 0) send([2, credits], credits)
  for (let busy = true; busy; ) {
    busy = false
    for (const lease of held.values()) {
      if (isFull()) return void setTimeout(wake, 10)
      const frame = nextFrame(lease)
      if (frame !== null) send(frame)
      busy ||= frame !== null
    }
  }
  if (phase === 'draining' && held.size === 0) stop(0, 'drained', 4420)
}

function nextFrame(lease: Lease): Frame | null {
  const { task, attempt, nonce, chunks, cursor, fragments, end } = lease
  if (fragments.length > 0) return fragments.shift()!
  if (cursor < chunks.length) {
    const offset = chunks.slice(0, cursor).reduce((sum, { length }) => sum + length, 0)
    lease.cursor++
    return [4, task, attempt, cursor, offset, ...bodyOf(lease, chunks[cursor]!)]
  }
  if (end === null || lease.endSent) return null
  lease.endSent = true
  const head = [5, task, attempt, nonce, end.outcome, chunks.length, 'raw-scout', 0, end.fault, end.message, '', 0]
  return [...head, ...bodyOf(lease, end.body)]
}

/** The fields `size` and `body`; a large body follows as fragments. */
function bodyOf(lease: Lease, body: Buffer): [number, Buffer | null] {
  if (body.length <= 32768) return [body.length, body]
  for (let at = 0; at < body.length; at += 32768) {
    lease.fragments.push([32, lease.task, lease.attempt, at / 32768, body.subarray(at, at + 32768)])
  }
  return [body.length, null]
}

/** Half of what the hub allows in a second, because frames bunch on their way. */
function isFull(): boolean {
  const second = Math.floor(nowMs() / 1000)
  if (spent.second !== second) spent = { second, frames: 0, control: 0, data: 0 }
  const isBusy = spent.frames > 100 || spent.control > 524_288 || spent.data > 4_194_304
  return isBusy || (socket?.bufferedAmount ?? 0) > 65536
}

function send(frame: Frame, credits = 0): void {
  granted += credits
  const bytes = packr.pack(frame)
  const isData = frame[0] === 4 || frame[0] === 32
  spent.frames += isData ? 0 : 1
  spent[isData ? 'data' : 'control'] += bytes.length
  socket?.send(bytes)
}

function look(): void {
  const silentMs = nowMs() - heardMs
  if (phase !== 'waiting' && silentMs > silenceMs) hangUp(4408, 'silent')
  for (const lease of held.values()) {
    if (lease.end ? nowMs() - lease.end.atMs > 600_000 : silentMs > lease.ttlMs) forget(lease)
    else if (nowMs() > lease.dueMs) end(lease, 'failed', 'provider_timeout', 'It took too long.')
  }
}

function drain(): void {
  if (phase !== 'ready') return stop(0, 'it was not connected')
  phase = 'draining'
  send([8, 'asked to end'])
  const handBack = (lease: Lease) => end(lease, 'released', 'scout_draining', 'This scout is leaving.')
  for (const lease of held.values()) if (lease.missing > 0) handBack(lease)
  setTimeout(() => held.forEach(handBack), 25_000)
  wake()
}

process.once('SIGTERM', drain)
process.once('SIGINT', drain)
setInterval(look, 500)
dial()
