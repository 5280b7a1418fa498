/**
 * The load generator, the same for every peer, as a process of its own: it keeps C requests in flight over C kept-alive
 * connections, each with its next request as soon as the answer is there (closed loop). HTTP is written by hand over
 * raw sockets, so that it takes as little as it can from the two sides it measures. After a warm-up it counts tasks,
 * latencies and the cost of the processes it is given, all over one and the same window. A second window follows at a
 * fixed rate (open loop), in which only the server's cost is read: a server that is not full batches less.
 */
import { cpuUs, rssMb } from './processes.ts'
import { answerMark, requestText } from './work.ts'

export interface LoadSetting {
  url: string
  /** Sent as a bearer key when not empty. */
  key: string
  inFlight: number
  warmMs: number
  windowMs: number
  /** Requests per second of the second window; 0 leaves it out. */
  pacedPerSecond: number
  serverPids: number[]
  workerPids: number[]
}

export interface LoadResult {
  tasks: number
  /** Answers with another status than 200 or without the mark, and connections that broke. */
  failures: number
  firstFailure: string
  windowMs: number
  serverCpuUs: number
  workerCpuUs: number
  loadCpuUs: number
  serverRssMb: number
  p50Ms: number
  p99Ms: number
  /** What the server's processes cost at the fixed rate, and for how many tasks. */
  pacedTasks: number
  pacedServerCpuUs: number
}

interface Connection {
  sentMs: number
  pending: Buffer | null
}

const failureCharsMax = 300
/** The closed loop's last answers arrive, and the rate settles. */
const pacedWarmMs = 1_000
const headEnd = '\r\n\r\n'

/** Bytes of the one answer that lies in `data`, or 0 when it is not complete. */
function answerBytes(data: Buffer): number {
  const bodyAt = data.indexOf(headEnd) + headEnd.length
  if (bodyAt < headEnd.length) return 0
  const head = data.toString('latin1', 0, bodyAt).toLowerCase()
  const lengthAt = head.indexOf('content-length:')
  if (lengthAt !== -1) {
    const total = bodyAt + Number.parseInt(head.slice(lengthAt + 15, lengthAt + 30), 10)
    return data.length >= total ? total : 0
  }
  return data.toString('latin1', data.length - 5) === '0\r\n\r\n' ? data.length : 0
}

class Load {
  private readonly request: Buffer
  private latenciesMs: number[] = []
  private failures = 0
  private firstFailure = ''
  private isPaced = false
  /** In the paced window: connections without a request. */
  private readonly idle: Bun.Socket<Connection>[] = []

  constructor(private readonly setting: LoadSetting) {
    const { host } = new URL(setting.url)
    const key = setting.key === '' ? '' : `authorization: Bearer ${setting.key}\r\n`
    const length = Buffer.byteLength(requestText)
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: ${host}\r\n${key}content-type: application/json\r\n`
    this.request = Buffer.from(`${head}content-length: ${length}${headEnd}${requestText}`)
  }

  async run(): Promise<LoadResult> {
    const { inFlight, warmMs, windowMs, serverPids, workerPids } = this.setting
    await Promise.all(Array.from({ length: inFlight }, () => this.connect()))
    await Bun.sleep(warmMs)
    const cost = () => [serverPids, workerPids, [process.pid]].map(cpuUs) as [number, number, number]
    this.latenciesMs = []
    const startMs = performance.now()
    const before = cost()
    await Bun.sleep(windowMs)
    const after = cost()
    const measuredMs = performance.now() - startMs
    const sorted = Float64Array.from(this.latenciesMs).sort()
    const serverRssMb = rssMb(serverPids)
    const paced = await this.paced()
    return {
      ...paced,
      tasks: sorted.length,
      failures: this.failures,
      firstFailure: this.firstFailure,
      windowMs: measuredMs,
      serverCpuUs: after[0] - before[0],
      workerCpuUs: after[1] - before[1],
      loadCpuUs: after[2] - before[2],
      serverRssMb,
      p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
      p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    }
  }

  /** The window at a fixed rate. A connection that is not free in time skips its turn. */
  private async paced(): Promise<Pick<LoadResult, 'pacedTasks' | 'pacedServerCpuUs'>> {
    const { pacedPerSecond, windowMs, serverPids } = this.setting
    if (pacedPerSecond === 0) return { pacedTasks: 0, pacedServerCpuUs: 0 }
    this.isPaced = true
    const beganMs = performance.now()
    let due = 0
    const ticker = setInterval(() => {
      for (; due < ((performance.now() - beganMs) * pacedPerSecond) / 1_000; due++) {
        const socket = this.idle.pop()
        if (socket !== undefined) this.send(socket)
      }
    }, 1)
    await Bun.sleep(pacedWarmMs)
    this.latenciesMs = []
    const before = cpuUs(serverPids)
    await Bun.sleep(windowMs)
    const pacedServerCpuUs = cpuUs(serverPids) - before
    clearInterval(ticker)
    return { pacedTasks: this.latenciesMs.length, pacedServerCpuUs }
  }

  private async connect(): Promise<void> {
    const { hostname, port } = new URL(this.setting.url)
    await Bun.connect<Connection>({
      hostname,
      port: Number(port),
      data: { sentMs: 0, pending: null },
      socket: {
        open: (socket) => this.send(socket),
        data: (socket, bytes) => this.take(socket, bytes),
        close: () => this.fail('a connection was closed'),
        error: (_socket, error) => this.fail(error.message),
      },
    })
  }

  private send(socket: Bun.Socket<Connection>): void {
    socket.data.sentMs = performance.now()
    // A connection carries one request at a time, far below any buffer.
    if (socket.write(this.request) !== this.request.length) throw new Error('a request did not fit into its socket')
  }

  private take(socket: Bun.Socket<Connection>, bytes: Buffer): void {
    const { pending, sentMs } = socket.data
    const data = pending === null ? bytes : Buffer.concat([pending, bytes])
    if (answerBytes(data) === 0) {
      socket.data.pending = pending === null ? Buffer.from(bytes) : data
      return
    }
    socket.data.pending = null
    if (data.includes(' 200 ') && data.includes(answerMark)) this.latenciesMs.push(performance.now() - sentMs)
    else this.fail(data.toString())
    if (this.isPaced) this.idle.push(socket)
    else this.send(socket)
  }

  private fail(what: string): void {
    this.failures++
    this.firstFailure ||= what.slice(0, failureCharsMax)
  }
}

if (import.meta.main) {
  const setting = JSON.parse(process.env.PEER_SETTING!) as LoadSetting
  const result = await new Load(setting).run()
  process.stdout.write(`result ${JSON.stringify(result)}\n`)
  process.exit(0)
}
