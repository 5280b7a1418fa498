/**
 * A stream of events in another dialect: each event of the source is read whole, translated and written. Pulled like
 * its source, so nothing is read that nobody takes. Virtual models answer as chat completions; routes of other dialects
 * translate that.
 */

/** `translate` is given one event, or one comment, without its end, and returns whole events or an empty string. */
export function translatedEvents(
  source: ReadableStream<Uint8Array>,
  translate: (event: string) => string,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  const utf8 = new TextDecoder()
  let rest = ''
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return controller.close()
      const events = (rest + utf8.decode(value, { stream: true })).split('\n\n')
      rest = events.pop()!
      const out = events.map(translate).join('')
      if (out !== '') return controller.enqueue(Buffer.from(out))
    }
  }
  return new ReadableStream({ pull, cancel: (why) => reader.cancel(why) }, { highWaterMark: 0 })
}

/** The data of an event; null of a comment. */
export function dataOf(event: string): string | null {
  return event.startsWith('data: ') ? event.slice('data: '.length) : null
}
