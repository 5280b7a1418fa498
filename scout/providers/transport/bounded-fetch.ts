/**
 * `fetch` for servers that are not trusted: an answer larger than an answer may be fails while it arrives instead of
 * filling the memory, whatever its status. A stream of events may go on for long, so there each event is bounded.
 */
import { fault } from '../../../shared/faults.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { fetchProxy } from '../../../shared/proxy-rule.ts'
import { ProviderError } from '../provider.ts'

/** Like `fetch`; reading the answer fails with `answer_too_large` beyond `bodyBytesMax`. */
export async function boundedFetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const headers = new Headers(init?.headers)
  // A few packed bytes can unfold into gigabytes before anyone has counted them.
  headers.set('accept-encoding', 'identity')
  const proxy = fetchProxy(url instanceof Request ? url.url : url, process.env)
  const response = await fetch(url, { ...init, headers, decompress: false, proxy })
  if (!response.body) return response
  const encoding = response.headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    await response.body.cancel()
    throw new ProviderError(
      fault('provider_bad_answer', 'the provider sent a compressed answer, which nobody asked for'),
    )
  }
  const isEvents = response.headers.get('content-type')?.includes('text/event-stream') ?? false
  const { status, statusText } = response
  return new Response(response.body.pipeThrough(bounded(isEvents)), { status, statusText, headers: response.headers })
}

function bounded(isEvents: boolean): TransformStream<Uint8Array, Uint8Array> {
  const events = new EventBytes()
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      bytes = isEvents ? events.add(chunk) : bytes + chunk.length
      if (bytes > bodyBytesMax) {
        const what = isEvents ? 'one event of its stream' : 'its answer'
        throw new ProviderError(
          fault('answer_too_large', `the provider sent more than ${bodyBytesMax} bytes as ${what}`),
        )
      }
      controller.enqueue(chunk)
    },
  })
}

const lineFeed = 10
const carriageReturn = 13
const letterD = 100

/** Counts what the SDKs hold on to: the bytes since the last event with data, comments between them included. */
class EventBytes {
  #bytes = 0
  #lineBytes = 0
  #hasData = false

  add(chunk: Uint8Array): number {
    for (const byte of chunk) {
      this.#bytes++
      if (byte === lineFeed) this.#endLine()
      else if (byte !== carriageReturn) {
        if (this.#lineBytes++ === 0 && byte === letterD) this.#hasData = true
      }
    }
    return this.#bytes
  }

  #endLine(): void {
    // An empty line ends an event.
    if (this.#lineBytes === 0 && this.#hasData) {
      this.#bytes = 0
      this.#hasData = false
    }
    this.#lineBytes = 0
  }
}
