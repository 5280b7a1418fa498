/**
 * One load generator. It starts one kind of load (`closed`, `open`, `streams` or `stall`) and keeps it going; `measure`
 * opens a window on it and reports what went through. Windows may follow each other on the same load, so that what a
 * scenario does meanwhile shows in the next one. Requests are raw HTTP/1.1 on keep-alive connections.
 */
import { answerCalls, sleep } from './calls.ts'
import { Histogram, type HistogramData } from './histogram.ts'
import { HttpConnection, numberMark, requestBytes, type Target } from './http-connection.ts'
import { SseCheck, type Verdict } from './sse-check.ts'
import { tookMs } from './stamps.ts'

/** What went through in one window. */
export interface Sample {
  seconds: number
  done: number
  failed: number
  /** Pieces of streamed content. */
  chunks: number
  verdicts: Partial<Record<Verdict, number>>
  /** Failed requests by the code of the error, else by status. */
  codes: Record<string, number>
  /** From the moment a request was due to its answer. */
  latency: HistogramData
  /** The same less the provider's own time. */
  added: HistogramData
  /** How late requests left because the generator itself was late. */
  late: HistogramData
  firstAdded: HistogramData
  gapAdded: HistogramData
}

/** A send that is no later than this left with the timer's own tick and counts from when it left. */
const tickMs = 1.5
const hists = {
  latency: new Histogram(),
  added: new Histogram(),
  late: new Histogram(),
  firstAdded: new Histogram(),
  gapAdded: new Histogram(),
}
const noCounts = () => ({
  done: 0,
  failed: 0,
  chunks: 0,
  verdicts: {} as Partial<Record<Verdict, number>>,
  codes: {} as Record<string, number>,
})
let counts = noCounts()
let requests: Buffer[] = []
/** Where each request holds its number; -1 when it holds none. */
let marksAt: number[] = []
let turn = 0
let lastNumber = 0
let running = false
/** Grows with every load: what a former one asked for counts no more. */
let era = 0
const connections = new Set<HttpConnection>()

function nextRequest(): Buffer {
  turn = (turn + 1) % requests.length
  const markAt = marksAt[turn]!
  return markAt < 0 ? requests[turn]! : numbered(requests[turn]!, markAt)
}

/** A copy of the request that no other request equals. */
function numbered(request: Buffer, markAt: number): Buffer {
  const copy = Buffer.from(request)
  copy.write(String(++lastNumber).padStart(numberMark.length - 2, '0'), markAt + 1, 'latin1')
  return copy
}

const codePattern = /"code":"(\w+)"/

function noteFailure(code: string): void {
  counts.failed++
  counts.codes[code] = (counts.codes[code] ?? 0) + 1
}

/** One connection that asks for whole answers; `free` is called whenever it can take another request. */
class Asker {
  private connection!: HttpConnection
  private dueMs = 0
  private isAsked = false
  private status = 0
  private text = ''
  private readonly era = era

  private constructor(private readonly free: (asker: Asker) => void) {}

  static async open(port: number, free: (asker: Asker) => void): Promise<Asker> {
    const asker = new Asker(free)
    asker.connection = await HttpConnection.open(port, {
      head: (status) => {
        asker.status = status
        asker.text = ''
      },
      body: (bytes) => {
        asker.text += bytes.toString('latin1')
      },
      end: () => asker.answered(),
      closed: () => asker.lost(),
    })
    connections.add(asker.connection)
    return asker
  }

  ask(dueMs: number): void {
    this.dueMs = dueMs
    this.isAsked = true
    this.connection.send(nextRequest())
  }

  private answered(): void {
    const took = performance.now() - this.dueMs
    this.isAsked = false
    if (this.era !== era) return
    if (this.status >= 200 && this.status < 300) {
      counts.done++
      hists.latency.record(took)
      hists.added.record(took - tookMs(this.text))
    } else noteFailure(codePattern.exec(this.text)?.[1] ?? `status ${this.status}`)
    if (running) this.free(this)
  }

  private lost(): void {
    connections.delete(this.connection)
    // An idle connection may be closed by the server, which fails nothing.
    if (this.isAsked && running && this.era === era) noteFailure('connection lost')
  }
}

/** One stream after the other on one connection. */
async function readStreams(port: number): Promise<void> {
  const own = era
  let check: SseCheck | null = null
  const connection = await HttpConnection.open(port, {
    head: (status) => {
      if (status !== 200) noteFailure(`status ${status}`)
    },
    body: (bytes) => {
      if (own !== era) return
      const before = check!.chunks
      check!.push(bytes, performance.now())
      counts.chunks += check!.chunks - before
    },
    end: () => {
      if (own !== era) return
      check!.end()
      counts.done++
      const verdict = check!.verdict!
      counts.verdicts[verdict] = (counts.verdicts[verdict] ?? 0) + 1
      if (running) next()
    },
    closed: () => void connections.delete(connection),
  })
  const next = () => {
    check = new SseCheck(performance.now(), hists)
    connection.send(nextRequest())
  }
  connections.add(connection)
  next()
}

function begin(target: Target): void {
  era++
  requests = requestBytes(target)
  marksAt = requests.map((request) => request.indexOf(numberMark))
  running = true
}

const calls = {
  /** So many requests in flight at all times. */
  async closed({ target, inFlight }: { target: Target; inFlight: number }): Promise<void> {
    begin(target)
    const again = (asker: Asker) => asker.ask(performance.now())
    const askers = await Promise.all(Array.from({ length: inFlight }, () => Asker.open(target.port, again)))
    for (const asker of askers) again(asker)
  },

  /** So many requests per second, whether or not answers come: more connections are opened when none is free. */
  async open({ target, perSecond }: { target: Target; perSecond: number }): Promise<void> {
    begin(target)
    const idle: Asker[] = []
    const back = (asker: Asker) => void idle.push(asker)
    for (let i = 0; i < Math.ceil(perSecond / 20); i++) idle.push(await Asker.open(target.port, back))
    const beganMs = performance.now()
    let sent = 0
    const send = () => {
      if (!running) return
      const nowMs = performance.now()
      for (; sent < ((nowMs - beganMs) * perSecond) / 1_000; sent++) {
        const dueMs = beganMs + (sent * 1_000) / perSecond
        hists.late.record(nowMs - dueMs)
        const countsFromMs = nowMs - dueMs <= tickMs ? nowMs : dueMs
        const asker = idle.pop()
        if (asker !== undefined) asker.ask(countsFromMs)
        else {
          const refused = () => noteFailure('connection refused')
          void Asker.open(target.port, back).then((opened) => opened.ask(countsFromMs), refused)
        }
      }
      setTimeout(send, 1)
    }
    send()
  },

  /** So many streams at all times, begun over `spreadMs`. */
  async streams({ target, count, spreadMs }: { target: Target; count: number; spreadMs: number }): Promise<void> {
    begin(target)
    for (let i = 0; i < count; i++) {
      if (spreadMs > 0) await sleep(spreadMs / count)
      await readStreams(target.port)
    }
  },

  /** So many streams are asked for and not read. */
  async stall({ target, count }: { target: Target; count: number }): Promise<void> {
    begin(target)
    const events = { head() {}, body() {}, end() {}, closed() {} }
    for (let i = 0; i < count; i++) {
      const connection = await HttpConnection.open(target.port, events)
      connections.add(connection)
      connection.pause()
      connection.send(nextRequest())
    }
  },

  async measure({ seconds }: { seconds: number }): Promise<Sample> {
    for (const hist of Object.values(hists)) hist.clear()
    counts = noCounts()
    const beganMs = performance.now()
    await sleep(seconds * 1_000)
    const { latency, added, late, firstAdded, gapAdded } = hists
    const took = (performance.now() - beganMs) / 1_000
    const times = { latency: latency.data(), added: added.data(), late: late.data() }
    return { seconds: took, ...counts, ...times, firstAdded: firstAdded.data(), gapAdded: gapAdded.data() }
  },

  /** No new requests; those under way are cut. */
  async end(_: null): Promise<void> {
    running = false
    await sleep(50)
    for (const connection of connections) connection.close()
    connections.clear()
  },
}

export type LoadCalls = typeof calls

answerCalls(calls)
