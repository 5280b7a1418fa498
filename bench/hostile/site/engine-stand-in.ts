/**
 * An engine with the faults of the worst ones, behind scouts of the product: what it does is in the name of the model.
 * It refuses single requests in words that sound like a missing model or an empty account, repeats secrets in its
 * errors, and begins answers that never end.
 */

/** What no client may ever read. */
export const secrets = {
  scoutKey: 'compat-key-6f1d0c9b8a7e6d5c4b3a29180706',
  apiKey: 'sk-proj-0123456789abcdefghijklmnopqrstuv',
  url: 'https://admin:hunter2secret@internal.example.com/v1',
}

const stillEveryMs = 5
const hugePart = 'x'.repeat(256 * 1_024)
const line = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

/** What each model that never ends sends again and again. */
const endless: Record<string, { type: string; part: string }> = {
  'endless-comments': { type: 'text/event-stream', part: ': still thinking\n'.repeat(64) },
  'endless-line': { type: 'text/event-stream', part: hugePart },
  'endless-content': { type: 'text/event-stream', part: line('word '.repeat(200)).repeat(16) },
  'endless-body': { type: 'application/json', part: hugePart },
}
export const endlessModels = Object.keys(endless)
export const pickyModel = 'hostile-picky'
export const talkativeModel = 'hostile-talkative'

/** What it may be asked for; tokens it can pay. */
const affordable = 3_919

export class EngineStandIn {
  private readonly server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 255,
    fetch: (request) => this.answer(request),
  })

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`
  }

  close(): void {
    void this.server.stop(true)
  }

  private async answer(request: Request): Promise<Response> {
    if (new URL(request.url).pathname.endsWith('/models')) {
      const models = [pickyModel, talkativeModel, ...endlessModels]
      return Response.json({ object: 'list', data: models.map((id) => ({ id, object: 'model' })) })
    }
    const body = (await request.json()) as { model: string; tools?: unknown[]; max_tokens?: number }
    const { type, part } = endless[body.model] ?? {}
    if (type !== undefined) return new Response(repeated(part!), { headers: { 'content-type': type } })
    if (body.model === talkativeModel) return refusal(500, `key ${Object.values(secrets).join(' and ')} failed`)
    if (body.tools !== undefined) return refusal(404, 'No endpoints found that support tool use.')
    if ((body.max_tokens ?? 0) > affordable) {
      return refusal(402, `This request requires more credits, or fewer max_tokens. You can only afford ${affordable}.`)
    }
    const message = { role: 'assistant', content: 'hi' }
    const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 }
    return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage })
  }
}

function refusal(status: number, message: string): Response {
  return Response.json({ error: { message, code: status } }, { status })
}

async function* repeated(part: string): AsyncGenerator<string> {
  for (;;) {
    yield part
    await Bun.sleep(stillEveryMs)
  }
}
