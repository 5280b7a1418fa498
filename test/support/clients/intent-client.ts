/**
 * Durable intents as a client sees them: over HTTP, with nothing but a URL and a key. Its follower reads the events of
 * one intent as they arrive and keeps them, so that a test can wait for one and come back after it.
 */
import { Conditions } from '../clocks/conditions.ts'
import type { Json } from '../providers/provider-calls.ts'

interface Told {
  id: string
  type: string
  data: Json
}

export class Follower {
  readonly events: Told[] = []
  /** How the connection ended. */
  ended: 'whole' | 'cut' | null = null
  private readonly conditions = new Conditions()

  constructor(response: Response) {
    if (response.status !== 200) throw new Error(`no events were answered, but status ${response.status}`)
    const end = (how: 'whole' | 'cut') => {
      this.ended = how
      this.conditions.changed()
    }
    this.read(response.body!).then(
      () => end(this.events.at(-1)?.type === 'done' ? 'whole' : 'cut'),
      () => end('cut'),
    )
  }

  /** Resolves once an event of this type has come. */
  async heard(type: string, fits: (data: Json) => boolean = () => true): Promise<Told> {
    const look = () => this.events.find((event) => event.type === type && fits(event.data))
    const hopeless = () => {
      if (this.ended !== null) throw new Error(`${this.ended} before ${type}: ${JSON.stringify(this.events)}`)
      return undefined
    }
    return this.conditions.until(`the event ${type}`, () => look() ?? hopeless())
  }

  over(): Promise<'whole' | 'cut'> {
    return this.conditions.until('the end of the events', () => this.ended ?? undefined)
  }

  /** The types in their order; pieces of one answer that follow each other count once. */
  get outline(): string[] {
    const types = this.events.map(({ type, data }) => (data.node === undefined ? type : `${type} ${data.node}`))
    return types.filter((type, at) => !type.startsWith('chunk') || type !== types[at - 1])
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const bytes of body) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) this.take(block)
      this.conditions.changed()
    }
  }

  private take(block: string): void {
    const found = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block)
    if (found !== null) this.events.push({ id: found[1]!, type: found[2]!, data: JSON.parse(found[3]!) as Json })
  }
}

export class IntentClient {
  constructor(
    public url: string,
    private readonly key: string,
  ) {}

  async ask(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Response> {
    const own = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', ...headers }
    return fetch(this.url + path, { method, headers: own, ...(body && { body: JSON.stringify(body) }) })
  }

  post(body: Json, idempotencyKey?: string): Promise<Response> {
    return this.ask(
      'POST',
      '/v1/intents',
      body,
      idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
    )
  }

  /** The id of an intent that must be accepted. */
  async accepted(body: Json, idempotencyKey?: string): Promise<string> {
    const response = await this.post(body, idempotencyKey)
    const answer = (await response.json()) as Json
    if (response.status !== 202) throw new Error(`status ${response.status}: ${JSON.stringify(answer)}`)
    return answer.id
  }

  async get(id: string): Promise<Json> {
    return (await (await this.ask('GET', `/v1/intents/${id}`)).json()) as Json
  }

  async follow(id: string, lastEventId?: string): Promise<Follower> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    return new Follower(await this.ask('GET', `/v1/intents/${id}/events`, undefined, headers))
  }

  /** The intent, once it is over. */
  async done(id: string): Promise<Json> {
    await (await this.follow(id)).over()
    return this.get(id)
  }
}
