/**
 * `fetch` for servers that are not trusted: an answer larger than an answer may be fails while it arrives instead of
 * filling the memory, whatever its status. A stream of events may go on for long, so there each event is bounded.
 */
import { fault } from '../../shared/faults.ts'
import { bodyBytesMax } from '../../shared/limits.ts'
import { ProviderError } from './provider.ts'

/** Like `fetch`; reading the answer fails with `answer_too_large` beyond `bodyBytesMax`. */
export async function boundedFetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const headers = new Headers(init?.headers)
  // A few packed bytes can unfold into gigabytes before anyone has counted them.
  headers.set('accept-encoding', 'identity')
  const response = await fetch(url, { ...init, headers, decompress: false })
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
  let bytes = 0
  let lineBytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      if (isEvents) {
        for (const byte of chunk) {
          bytes++
          if (byte === 10) {
            // An empty line ends an event.
            if (lineBytes === 0) bytes = 0
            lineBytes = 0
          } else if (byte !== 13) lineBytes++
        }
      } else bytes += chunk.length
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
