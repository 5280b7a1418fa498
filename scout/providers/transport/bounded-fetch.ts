/**
 * `fetch` for servers that are not trusted. A whole answer larger than an answer may be fails while it arrives instead
 * of filling the memory; a refusal is read up to a bound and thrown with all that was sent; a redirect is followed only
 * on the same host, because what is sent carries a key. A streamed answer is passed on as it comes: `event-stream.ts`
 * bounds it. Called by the SDKs and by the probe for local servers.
 */
import { fault } from '../../../shared/faults.ts'
import { providerErrorBytesMax, providerRedirectsMax } from '../../../shared/limits/provider.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { fetchProxy } from '../../../shared/network/proxy-rule.ts'
import { ProviderError } from '../provider.ts'
import type { RequestContent } from './request-content.ts'

/** What the caller of an SDK passes through to this `fetch`, beside the options of `fetch` itself. */
export interface AnswerWatch {
  /** Whether events are read from the body; a whole answer is bounded whatever content type it comes with. */
  streamed: boolean
  /** Headers or bytes have arrived. */
  alive(): void
}

/** An answer with a status that is none of success. The message is constant: SDKs look for words in it. */
export class ServiceRefusal extends Error {
  constructor(
    readonly status: number,
    /** The body, as JSON where it is; else as text. */
    readonly body: unknown,
    readonly headers: Headers,
  ) {
    super('the service refused the request')
    this.name = 'ServiceRefusal'
  }
}

/** Like `fetch`, but throws a `ServiceRefusal`, or a `ProviderError` for an answer that is not taken. */
export async function boundedFetch(
  url: string | URL | Request,
  init?: RequestInit & { watch?: AnswerWatch; content?: RequestContent },
): Promise<Response> {
  const { watch, content, ...options } = init ?? {}
  const headers = new Headers(options.headers)
  // A few packed bytes can unfold into gigabytes before anyone has counted them.
  headers.set('accept-encoding', 'identity')
  const response = await followed(url, { ...options, headers, decompress: false }, content)
  content?.sent()
  watch?.alive()
  const encoding = response.headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity' && encoding !== '') {
    await response.body?.cancel()
    throw new ProviderError(
      fault('provider_bad_answer', 'the provider sent a compressed answer, which nobody asked for'),
    )
  }
  if (!response.ok) throw await refusalOf(response)
  const isEvents = watch?.streamed === true && !/\bjson\b/i.test(response.headers.get('content-type') ?? '')
  if (!response.body || isEvents) return response
  const { status, statusText } = response
  const body = response.body.pipeThrough(bounded(watch))
  return new Response(body, { status, statusText, headers: response.headers })
}

async function followed(
  url: string | URL | Request,
  options: BunFetchRequestInit & { headers: Headers },
  content?: RequestContent,
): Promise<Response> {
  let at = new URL(url instanceof Request ? url.url : String(url))
  for (let redirects = 0; ; redirects++) {
    // Per address: a redirect may leave what a proxy is for.
    const proxy = fetchProxy(at.href, process.env)
    const body = content?.sending(options.headers)
    const response = await fetch(at.href, { ...options, ...body, redirect: 'manual', proxy })
    const to = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || to === null) return response
    await response.body?.cancel()
    const target = URL.parse(to, at.href)
    if (target === null || !isSameHost(at, target) || redirects === providerRedirectsMax) {
      const where = target === null ? 'an address that is none' : `${target.protocol}//${target.host}`
      throw new ProviderError(
        fault('provider_unavailable', `the provider redirects to ${where}: set its URL to where it is really reached`),
      )
    }
    at = target
  }
}

/** The same server, or the same host where only the transport becomes a safer one. */
function isSameHost(from: URL, to: URL): boolean {
  if (to.username !== '' || to.password !== '') return false
  return (
    from.origin === to.origin ||
    (from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:')
  )
}

function bounded(watch: AnswerWatch | undefined): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      watch?.alive()
      bytes += chunk.length
      if (bytes > bodyBytesMax) {
        throw new ProviderError(
          fault('answer_too_large', `the provider sent more than ${bodyBytesMax} bytes as its answer`),
        )
      }
      controller.enqueue(chunk)
    },
  })
}

async function refusalOf(response: Response): Promise<ServiceRefusal> {
  const text = await beginning(response.body)
  let body: unknown = text
  try {
    body = JSON.parse(text)
  } catch {
    // Plain text, a web page, or JSON that was cut at the bound: passed on as text.
  }
  return new ServiceRefusal(response.status, body, response.headers)
}

/** The first bytes of a body as text; a body that breaks counts as far as it came. */
async function beginning(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    while (bytes < providerErrorBytesMax) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.length
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // What has arrived is the reason, as far as there is one.
  }
  reader.cancel().catch(() => undefined)
  return text
}
