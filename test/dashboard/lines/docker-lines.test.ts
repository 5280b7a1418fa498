/**
 * Every line for Docker that people are given, run by a shell with a stand-in for `docker` that notes its arguments:
 * they are ones that Docker has, they fit the image that `Dockerfile.scout` makes, and what they set connects a scout.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scoutSnippets } from '../../../orchestrator/dashboard/page/pages/snippets.ts'
import { scoutScript } from '../../../orchestrator/http/page/scout-script.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { documentedNames } from '../../support/law/tidy-rules.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const dockerfile = read('Dockerfile.scout')
const key = 'chasm_scout_x'

/** Options of `docker run`, and whether a value follows. */
const options: Record<string, boolean> = {
  ...{ '-d': false, '--read-only': false, '--name': true, '--restart': true, '--network': true },
  ...{ '--tmpfs': true, '--cap-drop': true, '--security-opt': true, '-e': true },
}

interface Container {
  image: string
  env: Record<string, string>
  options: [string, string][]
}

let live: LiveHub
let bin: string
beforeAll(() => {
  live = new LiveHub()
  bin = mkdtempSync(join(tmpdir(), 'chasm-docker-'))
  const standIn = `#!/bin/sh\nfor word in "$@"; do printf '%s\\n' "$word"; done > "$NOTED"\n`
  const programs = { docker: standIn, uname: '#!/bin/sh\necho Plan9\n' }
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), text)
    chmodSync(join(bin, name), 0o755)
  }
})
afterAll(async () => {
  await live.close()
  rmSync(bin, { recursive: true, force: true })
})

function run(command: string[], env: Record<string, string> = {}) {
  const noted = join(bin, 'noted')
  writeFileSync(noted, '')
  const ran = Bun.spawnSync(command, {
    cwd: root,
    env: { PATH: `${bin}:${process.env.PATH}`, NOTED: noted, HOME: bin, ...env },
  })
  return { said: ran.stderr.toString(), words: readFileSync(noted, 'utf8').split('\n').slice(0, -1) }
}

/** What the script says on a machine that there is no executable for. */
function scriptText(hub: string): string {
  return run(['sh', '-c', scoutScript(hub, [])], { SCOUT_KEY: key }).said
}

function pageText(hub: string): string {
  const { install, text } = scoutSnippets(hub, key, []).find(({ id }) => id === 'docker')!
  return `${install}\n${text}`
}

function linesIn(text: string, command: 'build' | 'run'): string[] {
  const form = new RegExp(`^ *docker ${command} (?:.*\\\\\\n)*.*$`, 'gm')
  return [...text.matchAll(form)].map(([line]) => line)
}

function containerOf(line: string): Container {
  const { words } = run(['sh', '-c', line])
  expect(words.shift()).toBe('run')
  const container: Container = { image: '', env: {}, options: [] }
  while (words[0]?.startsWith('-')) {
    const option = words.shift()!
    expect(options).toHaveProperty([option])
    const value = options[option] ? words.shift()! : ''
    if (option !== '-e') container.options.push([option, value])
    else container.env[value.slice(0, value.indexOf('='))] = value.slice(value.indexOf('=') + 1)
  }
  container.image = words.shift() ?? ''
  expect(words).toEqual([])
  return container
}

const hubs = ['http://127.0.0.1:8080', 'https://hub.example.com']
const texts: [string, () => string][] = [
  ...hubs.map((hub): [string, () => string] => [`the page at ${hub}`, () => pageText(hub)]),
  ...hubs.map((hub): [string, () => string] => [`the script of ${hub}`, () => scriptText(hub)]),
  ['docs/run-a-scout.md', () => read('docs/run-a-scout.md')],
  ['Dockerfile.scout', () => dockerfile.replaceAll(/^# ?/gm, '')],
]

describe.each(texts)('%s', (_name, textOf) => {
  test('runs the image as it is meant to be run', () => {
    const lines = linesIn(textOf(), 'run')
    expect(lines.length).toBeGreaterThan(0)
    const known = documentedNames(read('.env.example'))
    for (const line of lines) {
      const { image, env, options } = containerOf(line)
      expect(image).toBe('chasm-scout')
      expect(Object.keys(env)).toEqual(expect.arrayContaining(['ORCHESTRATOR_URL', 'SCOUT_KEY']))
      expect(Object.keys(env).filter((name) => !known.has(name))).toEqual([])
      // The image is read-only but for the folder it starts in.
      const [, folder] = /^WORKDIR (\/tmp)$/m.exec(dockerfile)!
      expect(options).toEqual(
        expect.arrayContaining([
          ['--read-only', ''],
          ['--tmpfs', folder],
          ['--cap-drop', 'ALL'],
        ]),
      )
      const isHere = env.ORCHESTRATOR_URL!.includes('//127.') || 'OLLAMA_URL' in env
      expect(options.some(([option, value]) => option === '--network' && value === 'host')).toBe(isHere)
    }
  })

  test('builds that image of files that are there', () => {
    const lines = linesIn(textOf(), 'build')
    const made = lines.filter((line) => !line.includes('orchestrator')).map((line) => run(['sh', '-c', line]).words)
    expect(made.length).toBeGreaterThan(0)
    for (const words of made) expect(words).toEqual(['build', '-f', 'Dockerfile.scout', '-t', 'chasm-scout', '.'])
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names]) => names!.split(' '))
    expect(copied.length).toBeGreaterThan(0)
    expect(copied.filter((name) => !existsSync(join(root, name)))).toEqual([])
    expect(dockerfile).toContain('ENTRYPOINT ["chasm-scout"]')
  })
})

test('what the lines set is all that a scout needs to connect', async () => {
  const lines = [pageText(live.url), scriptText(live.url)].flatMap((text) => linesIn(text, 'run'))
  const keyed = lines.map((line) => line.replace(/SCOUT_KEY=\S+/, `SCOUT_KEY=${live.scoutKey}`))
  for (const [at, line] of keyed.entries()) {
    const name = `boxed-${at}`
    const folder = join(bin, name)
    mkdirSync(folder)
    const quiet = { PATH: process.env.PATH!, LOG_LEVEL: 'error', SCOUT_STATE_DIR: join(folder, 'state') }
    // A model server on the machine, or a provider's key, is what its owner has.
    const own = { PROVIDERS: 'demo', SCOUT_NAME: name, SCOUT_CONCURRENCY: '4' }
    const child = Bun.spawn([process.execPath, '--no-env-file', join(root, 'scout/main.ts')], {
      ...{ cwd: folder, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' },
      env: { ...quiet, ...own, ...containerOf(line).env },
    })
    try {
      await live.connected(name, 4)
    } finally {
      child.kill('SIGKILL')
    }
  }
  expect(keyed).toHaveLength(2)
})
