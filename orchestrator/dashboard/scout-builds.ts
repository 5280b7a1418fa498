/**
 * The executables of the scout that a hub hands out: those that a build left in `dist/` of the source, or that somebody
 * put into the folder `scout` beside the bundled program. One counts only together with its sum of SHA-256, which the
 * build writes beside it. The client edge gives them out, and the script that fetches them.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scoutBuildsKeptMs, scoutDownloadsMax } from '../../shared/limits/http.ts'
import { scoutPlatforms } from '../../shared/scouts/platforms.ts'
import type { System } from '../../shared/system.ts'

interface Build {
  platform: string
  /** SHA-256 of the file, hex. */
  sha256: string
}

export class ScoutBuilds {
  private readonly folder: string
  private known: Build[] = []
  private untilMs = Number.NEGATIVE_INFINITY
  private reading = 0

  /** `folder`: where the executables are; found by itself when absent. */
  constructor(
    private readonly system: Pick<System, 'nowMs'>,
    folder?: string,
  ) {
    const beside = join(import.meta.dirname, 'scout')
    this.folder = folder ?? (existsSync(beside) ? beside : join(import.meta.dirname, '../../dist'))
  }

  /** What there is, as of a few seconds ago at most. */
  list(): readonly Build[] {
    const nowMs = this.system.nowMs()
    if (nowMs < this.untilMs) return this.known
    this.known = scoutPlatforms.flatMap((platform) => this.buildFor(platform) ?? [])
    this.untilMs = nowMs + scoutBuildsKeptMs
    return this.known
  }

  /** The bytes of one of the list; null while as many are read as may be at once. */
  open(platform: string): ReadableStream<Uint8Array> | null {
    if (this.reading >= scoutDownloadsMax) return null
    this.reading++
    return counted(Bun.file(this.pathOf(platform)).stream(), () => this.reading--)
  }

  private pathOf(platform: string): string {
    return join(this.folder, `chasm-scout-${platform}`)
  }

  private buildFor(platform: string): Build | null {
    const path = this.pathOf(platform)
    if (!existsSync(path) || !existsSync(`${path}.sha256`)) return null
    const sha256 = /^[0-9a-f]{64}\b/.exec(readFileSync(`${path}.sha256`, 'utf8'))?.[0]
    return sha256 === undefined ? null : { platform, sha256 }
  }
}

/** The same bytes as their reader takes them; `over` is called once, at the end or when the reader leaves. */
function counted(bytes: ReadableStream<Uint8Array>, over: () => void): ReadableStream<Uint8Array> {
  const reader = bytes.getReader()
  return new ReadableStream({
    async pull(controller) {
      const part = await reader.read().catch((error: unknown) => {
        over()
        throw error
      })
      if (part.value !== undefined) return controller.enqueue(part.value)
      over()
      controller.close()
    },
    cancel(reason) {
      over()
      return reader.cancel(reason)
    },
  })
}
