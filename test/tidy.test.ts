import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { crowdedFolders, folderCycles } from './support/law/folder-law.ts'
import { functionSpans } from './support/law/function-spans.ts'
import { forbiddenImports, importCycles, importsOf, type SourceFile, type Violation } from './support/law/import-law.ts'
import { maskSource } from './support/law/source-mask.ts'
import {
  documentedNames,
  environmentNames,
  exportStyle,
  foreignCopies,
  homePaths,
  impurities,
  lockAddresses,
  misplacedCalls,
  names,
  openingWords,
  sizes,
} from './support/law/tidy-rules.ts'

const root = join(import.meta.dirname, '..')
const scoutImageHolds = ['package.json', 'package-lock.json', '.npmrc', 'shared', 'scout']

/** Written by runs, and not part of the tree. */
const benchResults = 'bench/results/'

function read(path: string): SourceFile {
  return { path, text: readFileSync(join(root, path), 'utf8') }
}

/** Files below a folder whose name ends so, as paths from the root. */
function filesUnder(folder: string, ending: RegExp): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !path.startsWith(benchResults))
}

const rootFiles = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => entry.name)
const sides = ['shared', 'orchestrator', 'scout', 'verifier']
  .flatMap((folder) => filesUnder(folder, /\.tsx?$/))
  .map(read)
const bench = filesUnder('bench', /\.ts$/).map(read)
const code = [
  ...sides,
  ...bench,
  ...['test', 'scripts'].flatMap((folder) => filesUnder(folder, /\.ts$/)).map(read),
  ...rootFiles.filter((name) => name.endsWith('.ts')).map(read),
]
const texts = [
  ...code,
  ...['shared', 'orchestrator', 'scout', 'bench', 'test', 'docs', '.ci'].flatMap((folder) =>
    filesUnder(folder, /(?<!\.tsx?)$/).map(read),
  ),
  ...rootFiles.filter((name) => /\.(md|json|yml|yaml|example)$|^Dockerfile|^LICENSE$/.test(name)).map(read),
]

/** Fails with one readable line per violation. */
function expectNone(violations: Violation[]): void {
  expect(violations.map(({ path, line, rule, advice }) => `${path}:${line} ${rule}: ${advice}`)).toEqual([])
}

describe('the repository keeps its habits', () => {
  test('every folder imports only what the law allows it', () => expectNone(code.flatMap(forbiddenImports)))
  test('no files import each other in a circle', () => expectNone(importCycles(sides)))
  test('folders of one level import each other in one direction', () => expectNone(folderCycles([...sides, ...bench])))
  test('a folder holds at most twelve files beside its folders', () =>
    expectNone(crowdedFolders(texts.map(({ path }) => path))))
  test('the cores are pure, and only shared/system.ts touches clock and entropy', () =>
    expectNone(code.flatMap(impurities)))
  test('only the http server listens', () => expectNone(code.flatMap(misplacedCalls)))
  test('files, lines and functions stay small', () => expectNone(code.flatMap(sizes)))
  test('files are named after one concept, in kebab-case', () => expectNone(code.flatMap(names)))
  test('exports are named and there are no barrels', () => expectNone(code.flatMap(exportStyle)))
  test('every source file opens by saying what it owns', () => expectNone(code.flatMap(openingWords)))
  test('no file names a folder of one machine', () => expectNone(texts.flatMap(homePaths)))
  test('the lock names no download addresses', () => expectNone(lockAddresses(read('package-lock.json'))))
  test('the scout image holds only its own side', () =>
    expectNone(foreignCopies(read('Dockerfile.scout'), scoutImageHolds)))

  test('.env.example and the config files know the same variables', () => {
    const configs = sides.filter(({ path }) => /\/config(-[a-z-]+)?\.ts$/.test(path))
    const readNames = new Set(configs.flatMap((file) => [...environmentNames(file)]))
    const documented = documentedNames(read('.env.example').text)
    const everywhere = sides.map(({ text }) => text).join('\n')
    expect([...readNames].filter((name) => !documented.has(name)).map((name) => `document ${name}`)).toEqual([])
    expect([...documented].filter((name) => !everywhere.includes(name)).map((name) => `nobody reads ${name}`)).toEqual(
      [],
    )
  })

  test('the walk finds the code it is meant to judge', () => {
    const paths = code.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining(['shared/limits/wire.ts', 'orchestrator/core/events.ts', 'test/tidy.test.ts']),
    )
    expect(paths.every((path) => !path.includes('node_modules'))).toBe(true)
  })
})

/** What a rule says of one sample: advices only. */
function judge(rule: (file: SourceFile) => Violation[], path: string, text: string): string[] {
  return rule({ path, text }).map(({ line, advice }) => `${line}: ${advice}`)
}

describe('the mask leaves only code', () => {
  const { code: masked, strings } = maskSource(
    [
      "const a = 'Date' // Date",
      'const b = /Date["\'`]/.test(x) /* Date */',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the sample
      'const c = `Date ${real(`Date ${inner}`)} Date`',
      'const d = x / y / z; "}"',
    ].join('\n'),
  )
  test('words in comments, strings, templates and expressions of search are gone', () =>
    expect(masked).not.toContain('Date'))
  test('code inside templates stays', () => expect(masked).toMatch(/real\(.*inner.*\)/))
  test('divisions are not taken for expressions of search', () => expect(masked).toContain('x / y / z'))
  test('positions do not move and strings are kept aside', () => {
    expect(masked.split('\n')).toHaveLength(4)
    expect(strings.get(10)).toBe('Date')
  })
})

describe('the import law catches', () => {
  const law = (path: string, text: string): string[] => judge(forbiddenImports, path, text)

  test('every form of import', () => {
    const text = [
      "import './a.ts'",
      "import type { B } from './b.ts'",
      "import c, { type C } from './c.ts'",
      "export { d } from './d.ts'",
      "export type {\n  E,\n} from './e.ts'",
      "const f = await import('./f.ts')",
      "type G = import('./g.ts').G",
      "// import './not.ts'",
      'const text = "import \'./nor.ts\'"',
      "Array.from('./neither.ts')",
    ].join('\n')
    const found = importsOf({ path: 'shared/x.ts', text })
    expect(found.map(({ specifier }) => specifier.slice(2, 3)).join('')).toBe('abcdefg')
    expect(found.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier)).toEqual(['./b.ts', './e.ts'])
  })

  test.each([
    ['shared/a.ts', "import type { Event } from '../orchestrator/core/events.ts'"],
    ['orchestrator/core/a.ts', "import type { System } from '../../shared/system.ts'"],
    ['orchestrator/core/a.ts', "import { run } from '../engine/run.ts'"],
    ['orchestrator/core/a.ts', "import { join } from 'node:path'"],
    ['orchestrator/engine/a.ts', "import type { Route } from '../http/routes.ts'"],
    ['orchestrator/http/a.ts', "import { open } from '../store/sqlite/open.ts'"],
    ['orchestrator/http/a.ts', "import { Writer } from '../engine/writer/writer.ts'"],
    ['orchestrator/http/a.ts', "import { step } from '../core/step.ts'"],
    ['orchestrator/gateway/a.ts', "import type { Config } from '../config.ts'"],
    ['orchestrator/config.ts', "import { main } from './main.ts'"],
    ['orchestrator/supervisor.ts', "import { main } from '../scout/main.ts'"],
    ['scout/core/a.ts', "import type { Provider } from '../providers/provider.ts'"],
    ['scout/link/link.ts', "import { demo } from '../providers/demo/demo.ts'"],
    ['scout/main.ts', "import { step } from '../orchestrator/core/step.ts'"],
    ['scout/providers/demo/demo.ts', "import type { Link } from '../../link/link.ts'"],
    ['shared/a.ts', "import { stage } from '../test/support/hub/stage.ts'"],
    ['shared/a.ts', "import { limits } from './limits'"],
    ['scout/providers/demo/demo.ts', "import OpenAI from 'openai'"],
    ['scout/providers/demo/demo.ts', "import type { Chat } from 'openai/resources/chat'"],
    ['orchestrator/http/a.ts', "import { Database } from 'bun:sqlite'"],
    ['scout/tasks/executor.ts', "import { WebSocket } from 'ws'"],
    ['shared/a.ts', "import { setTimeout } from 'node:timers/promises'"],
    ['scout/a.ts', "import leftPad from 'left-pad'"],
    ['scout/a.ts', 'const adapter = await import(name)'],
    ['orchestrator/unheard-of/a.ts', ''],
  ])('%s with %s', (path, text) => expect(law(path, text)).toHaveLength(1))

  test.each([
    ['orchestrator/core/a.ts', "import { faultTable } from '../../shared/faults.ts'"],
    ['orchestrator/engine/a.ts', "import { step } from '../core/step.ts'"],
    ['orchestrator/http/a.ts', "import type { Engine } from '../engine/ports/client.ts'"],
    ['orchestrator/http/a.ts', "import type { Event } from '../core/events.ts'"],
    ['orchestrator/store/sqlite/open.ts', "import { Database } from 'bun:sqlite'"],
    ['orchestrator/main.ts', "import { open } from './store/sqlite/open.ts'"],
    ['scout/link/socket.ts', "import { WebSocket } from 'ws'"],
    ['scout/link/link.ts', "import { dial } from '../core/session.ts'"],
    ['scout/providers/service/openai-compatible.ts', "import OpenAI from 'openai'"],
    ['test/e2e/a.test.ts', "import OpenAI from 'openai'; import { hub } from '../../orchestrator/main.ts'"],
  ])('but lets pass %s with %s', (path, text) => expect(law(path, text)).toEqual([]))

  test('circles, also of types alone, once each with the way round', () => {
    const file = (path: string, target: string): SourceFile => ({ path, text: `import type { X } from '${target}'` })
    const circle = [file('shared/a.ts', './b.ts'), file('shared/b.ts', './c.ts'), file('shared/c.ts', './a.ts')]
    const [found, ...more] = importCycles([...circle, file('shared/d.ts', './a.ts')])
    expect(found?.advice).toContain('shared/a.ts -> shared/b.ts -> shared/c.ts -> shared/a.ts')
    expect(more).toEqual([])
    expect(importCycles(circle.slice(0, 2))).toEqual([])
  })
})

describe('the folder law catches', () => {
  const file = (path: string, target: string): SourceFile => ({ path, text: `import type { X } from '${target}'` })

  test('a folder with thirteen files, and no file of a folder below', () => {
    const paths = Array.from({ length: 12 }, (_, at) => `shared/a${at}.ts`)
    expect(crowdedFolders([...paths, 'shared/below/b.ts', 'README.md'])).toEqual([])
    expect(crowdedFolders([...paths, 'shared/b.ts']).map(({ path, advice }) => `${path} ${advice}`)).toEqual([
      expect.stringContaining('shared 13 files'),
    ])
  })

  test('arrows that run both ways between folders of one level, with the files that draw them', () => {
    const there = file('shared/a/x.ts', '../b/y.ts')
    const back = file('shared/b/deep/z.ts', '../../a/w.ts')
    const [found, ...more] = folderCycles([there, back])
    expect(found?.advice).toBe('shared/a/x.ts imports shared/b/y.ts; shared/b/deep/z.ts imports shared/a/w.ts')
    expect(more).toEqual([])
    expect(folderCycles([there])).toEqual([])
  })

  test('circles of three folders, but neither a folder and its parent nor files of one folder', () => {
    const circle = [
      file('shared/a/x.ts', '../b/x.ts'),
      file('shared/b/x.ts', '../c/x.ts'),
      file('shared/c/x.ts', '../a/x.ts'),
    ]
    expect(folderCycles(circle)).toHaveLength(1)
    const parent = [file('shared/x.ts', './a/x.ts'), file('shared/a/x.ts', '../y.ts'), file('shared/a/y.ts', './x.ts')]
    expect(folderCycles(parent)).toEqual([])
  })
})

describe('the purity rule catches', () => {
  test.each(['Date.now()', 'new Date()', 'Math.random()', 'setTimeout(run, 1)', 'fetch(url)', 'Bun.sleep(1)'])(
    '%s in a core',
    (text) => expect(judge(impurities, 'orchestrator/core/a.ts', `const x = ${text}`)).toHaveLength(1),
  )
  test.each(['console.log(1)', 'process.env.X', 'crypto.randomUUID()', 'performance.now()', 'async () => 1'])(
    '%s in a core',
    (text) => expect(judge(impurities, 'scout/core/a.ts', `const x = ${text}`)).toHaveLength(1),
  )
  test('a clock in shared, but not in system.ts', () => {
    expect(judge(impurities, 'shared/ids.ts', 'const now = Date.now()')).toHaveLength(1)
    expect(judge(impurities, 'shared/system.ts', 'const now = Date.now()')).toEqual([])
  })
  test('neither comments, nor strings, nor members and keys of that name', () => {
    const text = "// Date\nconst x = { process: 1, fetch: 'Date', now: a.process, Dated, crypto_: 1 }"
    expect(judge(impurities, 'orchestrator/core/a.ts', text)).toEqual([])
  })
  test('a second server', () => {
    expect(judge(misplacedCalls, 'orchestrator/main.ts', 'Bun.serve({})')).toHaveLength(1)
    expect(judge(misplacedCalls, 'orchestrator/http/server.ts', 'Bun.serve({})')).toEqual([])
    expect(judge(misplacedCalls, 'test/support/peer.ts', 'Bun.serve({})')).toEqual([])
  })
})

describe('the size rule catches', () => {
  const body = '  work()\n'.repeat(70)
  test.each([
    ['a function', `export function long(a: string): void {\n${body}}\n`, '1: long has 72 lines'],
    ['one with an object for a type', `\nfunction long(): { a: () => void } | null {\n${body}}\n`, '2: long has 72'],
    ['one with type parameters', `async function* long<T extends { a: 1 }>(x: T) {\n${body}}\n`, '1: long has 72'],
    ['a method', `class A {\n  override async long(): Promise<Map<string, () => void>> {\n${body}  }\n}\n`, '2: long'],
    ['a private method', `class A {\n  #long({ a } = {}): a is B {\n${body}  }\n}\n`, '2: long has 72 lines'],
    ['an arrow', `const long = (a = ')'): void => {\n${body}}\n`, '1: arrow has 72 lines'],
    ['a callback', `test('it', async () => {\n${body}})\n`, '1: arrow has 72 lines'],
  ])('%s that is too long', (_what, text, advice) => {
    const [found, ...more] = judge(sizes, 'shared/a.ts', text)
    expect(found).toContain(advice)
    expect(more).toEqual([])
  })

  test('not what only looks like one', () => {
    const loop = `if (a) {\n${body}}\nfor (const x of y(z)) {\n${body}}\nconst o = {\n${body}}\nfoo(x)\n{\n}\n`
    expect(
      judge(sizes, 'shared/a.ts', `${loop}describe('chapter', () => {\n  test('x', () => {})\n${body}})\n`),
    ).toEqual([])
    expect(functionSpans(maskSource('declare function f(): void\nexport class B {\n}').code)).toEqual([])
  })

  test('long files and long lines, at their line', () => {
    expect(judge(sizes, 'shared/a.ts', 'x()\n'.repeat(401))).toEqual([expect.stringContaining('400: 401 lines')])
    expect(judge(sizes, 'shared/a.ts', 'x()\n'.repeat(400))).toEqual([])
    expect(judge(sizes, 'shared/a.ts', `\n${'x'.repeat(121)}`)).toEqual([expect.stringContaining('2: 121 char')])
    expect(judge(sizes, 'shared/a.ts', 'x'.repeat(120))).toEqual([])
  })
})

describe('the rules on names and exports catch', () => {
  test.each([
    'taskQueue.ts',
    'Task.ts',
    'task_queue.ts',
    'index.ts',
    'utils.ts',
    'helpers.ts',
    'types.ts',
    'utils.test.ts',
  ])('a file named %s', (name) => expect(judge(names, `shared/${name}`, '')).toHaveLength(1))
  test.each(['task.ts', 'ready-queue.ts', 'tidy.test.ts', 'codec.bench.ts', 'vitest.config.ts', 'h2.ts'])(
    'but not %s',
    (name) => expect(judge(names, `shared/${name}`, '')).toEqual([]),
  )
  test.each(['export default 1', "export * from './a.ts'", 'export type * from "./a.ts"', 'export { a as default }'])(
    '%s',
    (text) => expect(judge(exportStyle, 'shared/a.ts', text)).toHaveLength(1),
  )
  test('but not the default export a tool asks for', () =>
    expect(judge(exportStyle, 'vitest.config.ts', 'export default {}')).toEqual([]))
})

describe('the rules on words and files catch', () => {
  test('a source file without an introduction', () => {
    expect(judge(openingWords, 'shared/a.ts', "import './b.ts'\n/**\n * Late.\n */")).toHaveLength(1)
    expect(judge(openingWords, 'shared/a.ts', '/** Short. */')).toHaveLength(1)
    expect(judge(openingWords, 'shared/a.ts', '/**\n */')).toHaveLength(1)
    expect(judge(openingWords, 'test/support/a.ts', '/** What it helps with. */')).toEqual([])
    expect(judge(openingWords, 'test/support/a.ts', 'export const a = 1')).toHaveLength(1)
    expect(judge(openingWords, 'shared/a.ts', '/**\n * What it owns.\n */')).toEqual([])
    expect(judge(openingWords, 'shared/a.ts', '#!/usr/bin/env bun\n/**\n * What it owns.\n */')).toEqual([])
  })
  test('a path of one machine', () => {
    const places = ['home/ada/x', 'Users/ada', 'root/x', 'work/x'].map((place) => `see /${place}`)
    expect(judge(homePaths, 'docs/a.md', places.join('\n'))).toHaveLength(4)
    // In parts: whoever looks through the sources for paths and addresses finds none here.
    const [within, elsewhere] = [['.', 'work', 'x'].join('/'), ['https:', '', 'a.b', 'home', ''].join('/')]
    expect(judge(homePaths, 'docs/a.md', `see /v1/models, ${within} and ${elsewhere}`)).toEqual([])
  })
  test('a lock with addresses', () => {
    const address = ['https:', '', 'example.com', 'a.tgz'].join('/')
    const lock = `{\n  "resolved": "${address}"\n}`
    expect(judge(lockAddresses, 'package-lock.json', lock)[0]).toMatch(/^2: /)
  })
  test('an image that takes more than its side', () => {
    const caught = (text: string): string[] => judge((file) => foreignCopies(file, scoutImageHolds), 'D', text)
    expect(caught('COPY . .')).toHaveLength(1)
    expect(caught('COPY --chown=bun shared scout \\\n  orchestrator ./')).toHaveLength(1)
    expect(caught('\nadd orchestrator/core /app/')[0]).toMatch(/^2: /)
    expect(caught('COPY package.json package-lock.json ./\nCOPY --from=deps /app .\nCOPY shared ./shared')).toEqual([])
  })
  test('variables, however they are read, and whether they are documented', () => {
    const text = "const a = env.DATA_DIR\nconst s = { PORT: 1, lower: 2 }\nread('ADMIN_KEY', 'GET')\n// OLD_NAME"
    expect([...environmentNames({ path: 'a', text })].sort()).toEqual(['ADMIN_KEY', 'DATA_DIR', 'PORT'])
    expect([...documentedNames('HOST=127.0.0.1\n# PORT=8080\n#MODEL=x\n# a note on OTHER_NAME\n')]).toEqual([
      'HOST',
      'PORT',
      'MODEL',
    ])
  })
})
