/**
 * Groq for one scout on this machine, reached the way the real one is: by its own name, over TLS. The scout is told of
 * a proxy in its environment, which leads every connection to a server here, and of the authority that signed that
 * server's certificate. The scout itself is unchanged. Needs `openssl` for the certificate.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const host = 'api.groq.com'
const model = 'llama-3.1-8b-instant'
const chunks = 64
/** 500 tokens per second, as Groq gives them. */
const chunkMs = 2

export class GroqStandIn {
  readonly model = model
  private readonly folder = mkdtempSync(join(tmpdir(), 'chasm-bench-groq-'))
  private readonly server: Bun.Server<undefined>
  private readonly proxy: Bun.TCPSocketListener<Tunnel>

  constructor() {
    const [key, cert] = certificate(this.folder)
    this.server = Bun.serve({ hostname: '127.0.0.1', port: 0, tls: { key, cert }, fetch: answer })
    this.proxy = openProxy(this.server.port!)
  }

  /** What a scout's environment must hold to find it. */
  get env(): Record<string, string> {
    return {
      GROQ_API_KEY: 'gsk_stand_in',
      HTTPS_PROXY: `http://127.0.0.1:${this.proxy.port}`,
      NODE_EXTRA_CA_CERTS: join(this.folder, 'cert.pem'),
    }
  }

  async close(): Promise<void> {
    this.proxy.stop(true)
    await this.server.stop(true)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function certificate(folder: string): [Bun.BunFile, Bun.BunFile] {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const made = Bun.spawnSync(['openssl', 'req', ...kind, ...name, '-keyout', key, '-out', cert], { stderr: 'pipe' })
  if (made.exitCode !== 0) throw new Error(`openssl made no certificate: ${made.stderr.toString().trim()}`)
  return [Bun.file(key), Bun.file(cert)]
}

async function answer(request: Request): Promise<Response> {
  // As a service does: the whole request first.
  await request.arrayBuffer()
  if (new URL(request.url).pathname.endsWith('/models')) {
    return Response.json({
      object: 'list',
      data: [{ id: model, object: 'model', active: true, context_window: 131_072 }],
    })
  }
  return new Response(stream(), { headers: { 'content-type': 'text/event-stream' } })
}

async function* stream(): AsyncGenerator<string> {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_790_000_000, model }
  const line = (choice: object, extra = {}) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, logprobs: null, ...choice }], ...extra })}\n\n`
  yield line({ delta: { role: 'assistant', content: '' }, finish_reason: null })
  for (let at = 0; at < chunks; at++) {
    await Bun.sleep(chunkMs)
    yield line({ delta: { content: ' word' }, finish_reason: null })
  }
  const usage = { prompt_tokens: 9, completion_tokens: chunks, total_tokens: 9 + chunks }
  yield line({ delta: {}, finish_reason: 'stop' }, { x_groq: { id: 'req_1', usage } })
  yield 'data: [DONE]\n\n'
}

/** One side of a tunnel: the other one, and what that has not taken yet. */
interface Tunnel {
  peer: Bun.Socket<Tunnel> | null
  unsent: Uint8Array[]
}

/** A proxy whose every CONNECT leads to `port`. What a side is slow to take waits in memory: it is the bench's. */
function openProxy(port: number): Bun.TCPSocketListener<Tunnel> {
  const relay = {
    data: (socket: Bun.Socket<Tunnel>, bytes: Buffer) => pass(socket.data.peer, bytes),
    drain: (socket: Bun.Socket<Tunnel>) => {
      for (const bytes of socket.data.unsent.splice(0)) pass(socket, bytes)
    },
    close: (socket: Bun.Socket<Tunnel>) => void socket.data.peer?.end(),
  }
  return Bun.listen<Tunnel>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      ...relay,
      open(socket) {
        socket.data = { peer: null, unsent: [] }
      },
      async data(socket, bytes) {
        if (socket.data.peer !== null) return relay.data(socket, bytes)
        socket.data.peer = await Bun.connect<Tunnel>({
          hostname: '127.0.0.1',
          port,
          socket: relay,
          data: { peer: socket, unsent: [] },
        })
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      },
    },
  })
}

/** Writes what the socket takes and keeps the rest in order. */
function pass(to: Bun.Socket<Tunnel> | null, bytes: Uint8Array): void {
  if (to === null) return
  const { unsent } = to.data
  const sent = unsent.length > 0 ? 0 : Math.max(0, to.write(bytes))
  if (sent < bytes.length) unsent.push(bytes.slice(sent))
}
