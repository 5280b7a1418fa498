/**
 * Waiting for what another process or a socket brings about, and nothing in here can announce: looks again and again.
 */

/** How long any wait of a test may take: only what never comes about fails, however slow or busy the machine is. */
export const patienceMs = 90_000
const lookEveryMs = 5

/** Resolves once `met` returns true; rejects, naming `what`, when that never comes about. */
export async function until(what: string, met: () => boolean): Promise<void> {
  const lastMs = performance.now() + patienceMs
  while (!met()) {
    if (performance.now() > lastMs) throw new Error(`waited ${patienceMs} ms in vain for ${what}`)
    await Bun.sleep(lookEveryMs)
  }
}
