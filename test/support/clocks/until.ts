/**
 * Waiting for what another process or a socket brings about, and nothing in here can announce: looks again and again.
 */

const lookEveryMs = 5

/** Resolves once `met` returns true; rejects, naming `what`, when that takes longer than `limitMs`. */
export async function until(what: string, met: () => boolean, limitMs = 15_000): Promise<void> {
  const lastMs = performance.now() + limitMs
  while (!met()) {
    if (performance.now() > lastMs) throw new Error(`waited ${limitMs} ms in vain for ${what}`)
    await Bun.sleep(lookEveryMs)
  }
}
