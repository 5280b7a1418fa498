/**
 * `curl … /scout.sh | SCOUT_KEY=… sh`, run by a shell against a real hub: what it fetches, checks and starts, and what
 * it says to somebody who has never done this. The executable is a stand-in that starts the scout from its source.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scoutSnippets } from '../../../orchestrator/dashboard/page/pages/snippets.ts'
import { ScoutBuilds } from '../../../orchestrator/dashboard/scout-builds.ts'
import { scoutDownloadsMax } from '../../../shared/limits/http.ts'
import { scoutPlatforms } from '../../../shared/scouts/platforms.ts'
import { realSystem } from '../../../shared/system.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const scoutMain = join(import.meta.dirname, '../../../scout/main.ts')
const program = `#!/bin/sh\nexec '${process.execPath}' --no-env-file '${scoutMain}'\n`
const here = `${process.platform}-${process.arch}`

function addBuild(folder: string, platform: string, text: string, announced = text): void {
  const sum = new Bun.CryptoHasher('sha256').update(announced).digest('hex')
  writeFileSync(join(folder, `chasm-scout-${platform}`), text)
  writeFileSync(join(folder, `chasm-scout-${platform}.sha256`), `${sum}  chasm-scout-${platform}\n`)
}

/** A hub that hands out what is in this folder now. */
function hubWith(folder: string): LiveHub {
  return new LiveHub({ builds: new ScoutBuilds(realSystem(), folder) })
}

function started(line: string, env: Record<string, string>, home: string) {
  const settings = {
    PROVIDERS: 'demo',
    SCOUT_STATE_DIR: join(home, 'state'),
    LOG_LEVEL: 'error',
    SCOUT_CONCURRENCY: '4',
  }
  return Bun.spawn(['sh', '-c', line], {
    ...{ cwd: home, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', detached: true },
    env: { PATH: process.env.PATH!, HOME: home, ...settings, ...env },
  })
}

/** Runs it to its end. */
async function said(line: string, env: Record<string, string> = {}, home = temporaryFolder()) {
  const child = started(line, env, home)
  const text = await new Response(child.stderr).text()
  return { text, code: await child.exited, home }
}

describe('the script that runs a scout', () => {
  let folder: string
  let live: LiveHub
  let line: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'chasm-builds-'))
    for (const platform of new Set([...scoutPlatforms, here])) addBuild(folder, platform, program)
    live = hubWith(folder)
    line = scoutSnippets(live.url, live.scoutKey, scoutPlatforms).find(({ id }) => id === 'line')!.text
  })
  afterAll(async () => {
    await live.close()
    rmSync(folder, { recursive: true })
  })

  test('connects with one line, keeps the executable, and fetches it once', async () => {
    const home = temporaryFolder()
    const kept = join(home, '.local/share/chasm/chasm-scout')
    const words: string[] = []
    for (const name of ['bee', 'wasp']) {
      const child = started(line, { SCOUT_NAME: name }, home)
      try {
        await live.connected(name, 4)
      } finally {
        // The scout is a grandchild.
        process.kill(-child.pid, 'SIGTERM')
      }
      words.push(await new Response(child.stderr).text())
      expect(readFileSync(kept, 'utf8')).toBe(program)
      expect(statSync(kept).mode & 0o777).toBe(0o755)
      expect(readdirSync(join(kept, '..'))).toEqual(['chasm-scout'])
    }
    expect(words).toEqual([expect.stringContaining('Fetching the scout for'), expect.not.stringContaining('Fetching')])
    expect(words.join('')).not.toContain(live.scoutKey)
  })

  test('asks for a key in words that can be pasted, and does nothing without one', async () => {
    const { text, code, home } = await said(line.replace(/SCOUT_KEY=\S+/, ''))
    expect([code, readdirSync(home)]).toEqual([1, []])
    expect(text).toContain('A key is missing')
    expect(text).toContain(`curl -fsS ${live.url}/scout.sh | SCOUT_KEY=chasm_scout_... sh`)
  })

  test('runs nothing that is not what was announced, and leaves none of it', async () => {
    const bent = temporaryFolder()
    for (const platform of new Set([...scoutPlatforms, here])) addBuild(bent, platform, program, `${program}# other`)
    const other = hubWith(bent)
    const { text, code, home } = await said(line.replace(live.url, other.url))
    expect([code, readdirSync(join(home, '.local/share/chasm'))]).toEqual([1, []])
    expect(text).toContain(`What came is not what ${other.url} announced`)
    await other.close()
  })

  test('runs nothing when it was cut off', async () => {
    const script = await (await fetch(`${live.url}/scout.sh`)).text()
    const half = join(temporaryFolder(), 'half.sh')
    writeFileSync(half, script.slice(0, script.lastIndexOf('main "$@"')))
    const { code, home } = await said(`SCOUT_KEY=${live.scoutKey} sh ${half}`)
    expect([code, existsSync(join(home, '.local'))]).toEqual([0, false])
  })

  test('says how it works with Docker on a machine that there is no executable for', async () => {
    const bin = join(temporaryFolder(), 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'uname'), '#!/bin/sh\ncase "$1" in -s) echo Plan9 ;; *) echo mips ;; esac\n')
    chmodSync(join(bin, 'uname'), 0o755)
    const { text, code } = await said(line, { PATH: `${bin}:${process.env.PATH}` })
    expect(code).toBe(1)
    expect(text).toContain('no scout ready to run on this machine (Plan9, mips)')
    expect(text).toContain(`-e ORCHESTRATOR_URL=${live.url} -e SCOUT_KEY=... chasm-scout`)
    expect(text).not.toContain(live.scoutKey)
  })

  test('and where the hub has none at all, of which its page learns', async () => {
    const empty = hubWith(temporaryFolder())
    const { text, code } = await said(line.replace(live.url, empty.url))
    expect([code, text]).toEqual([1, expect.stringContaining('docker build -f Dockerfile.scout')])
    const hubs = [empty, live].map(async ({ url }) => (await fetch(`${url}/v1/hub`)).json())
    expect(await Promise.all(hubs)).toMatchObject([
      { scout_builds: [] },
      { scout_builds: expect.arrayContaining(['linux-x64']) },
    ])
    await empty.close()
  })

  test('names no host that is none, and no file but the executables', async () => {
    const bent = await fetch(`${live.url}/scout.sh`, { headers: { host: "hub';reboot;'" } })
    expect([bent.status, await bent.text()]).toEqual([400, expect.not.stringContaining('reboot')])
    for (const name of ['linux-x64.sha256', '../chasm-scout-linux-x64', 'plan9-mips', '__proto__']) {
      expect((await fetch(`${live.url}/scout/${encodeURIComponent(name)}`)).status).toBe(404)
    }
  })

  test('so many downloads run at once, and one that leaves makes room', async () => {
    const builds = new ScoutBuilds(realSystem(), folder)
    const streams = Array.from({ length: scoutDownloadsMax }, () => builds.open('linux-x64')!)
    expect(streams).not.toContain(null)
    expect(builds.open('linux-x64')).toBeNull()
    await streams[0]!.cancel()
    expect(await new Response(builds.open('linux-x64')).text()).toBe(program)
    expect(await new Response(builds.open('linux-x64')).text()).toBe(program)
    for (const stream of streams.slice(1)) await stream.cancel()
  })
})
