/**
 * Who may import whom, as data and as pure functions: reads the imports of a masked source (type imports count),
 * judges each by the table of folders and the table of packages, and finds cycles. Feeds `tidy.test.ts`.
 */
import { posix } from 'node:path'
import { lineAt, maskSource } from './source-mask.ts'

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  path: string
  text: string
}

export interface Violation {
  path: string
  line: number
  rule: string
  /** What to do about it. */
  advice: string
}

interface Import {
  specifier: string
  line: number
  typeOnly: boolean
}

/** Static, type-only, re-exported, dynamic and required modules of a file, in order. */
export function importsOf(file: SourceFile): Import[] {
  const { code, strings } = maskSource(file.text)
  const found: Import[] = []
  for (const match of code.matchAll(/(?<![.\w$])(?:from\s*|(?:import|require)\s*\(?\s*)(['"`])/g)) {
    const quote = match.index + match[0].length - 1
    const specifier = strings.get(quote)
    if (specifier === undefined) continue
    const statement = code.slice(0, match.index).search(/(?:import|export)\s+type\b[^'"`;=(]*$/)
    found.push({ specifier, line: lineAt(code, quote), typeOnly: statement !== -1 })
  }
  return found
}

/** Dynamic imports of something that is not written out, and therefore cannot be judged. */
function hiddenImports(file: SourceFile): Violation[] {
  const { code, strings } = maskSource(file.text)
  return [...code.matchAll(/(?<![.\w$])(?:import|require)\s*\(\s*(\S)/g)]
    .filter((match) => !strings.has(match.index + match[0].length - 1))
    .map((match) => ({
      path: file.path,
      line: lineAt(code, match.index),
      rule: 'dynamic imports name their module',
      advice: 'write the module as a plain string, so that the import law can be checked',
    }))
}

interface Folder {
  /** Files this row is about; the first row that matches counts. */
  files: RegExp
  may: RegExp
  /** What these may import for its types only. */
  mayType?: RegExp
  law: string
}

/** What the engine shows to its edges, and what keys may do; the rest of it is its own. */
const engineFace = 'orchestrator/(engine/(ports/([a-z-]+/)?[a-z-]+|keyring)|tenants/[a-z-]+|ledger/[a-z/-]+)\\.ts$'

const edgeMay = (own: string): RegExp => new RegExp(`^(${own}/|shared/|${engineFace})`)

function edge(own: string): Folder {
  return {
    files: new RegExp(`^${own}/`),
    may: edgeMay(own),
    mayType: /^orchestrator\/core\//,
    law: `${own} may import itself, shared, the engine's ports and keyring, tenants, ledger, and core's types`,
  }
}

/** The impure shared file: only its types are free for all. */
const system = 'shared/system.ts'

/** Those of a scout that may import each other. */
const scoutFolders = 'link|tasks|offers|status|process|sdk'

const folders: Folder[] = [
  { files: /^shared\//, may: /^shared\//, law: 'shared may import shared only' },
  {
    files: /^orchestrator\/core\//,
    may: /^(orchestrator\/core\/|shared\/(?!system\.ts))/,
    law: `orchestrator/core may import itself and what is pure in shared (not ${system})`,
  },
  {
    files: /^scout\/core\//,
    may: /^(scout\/core\/|shared\/(?!system\.ts))/,
    law: `scout/core may import itself and what is pure in shared (not ${system})`,
  },
  {
    files: /^orchestrator\/tenants\//,
    may: /^(orchestrator\/tenants\/|shared\/(?!system\.ts))/,
    law: `orchestrator/tenants may import itself and what is pure in shared (not ${system})`,
  },
  {
    files: /^orchestrator\/ledger\//,
    may: /^(orchestrator\/ledger\/|shared\/(?!system\.ts))/,
    law: `orchestrator/ledger may import itself and what is pure in shared (not ${system})`,
  },
  {
    files: /^verifier\//,
    may: /^verifier\//,
    law: 'the verifier may import itself only: what it proves is not to depend on code of the hub',
  },
  {
    files: /^orchestrator\/engine\//,
    may: /^(orchestrator\/(engine|core|tenants|ledger)\/|shared\/)/,
    law: 'orchestrator/engine may import itself, orchestrator/core, tenants and ledger, and shared',
  },
  {
    files: /^orchestrator\/dashboard\/page\//,
    may: /^(orchestrator\/dashboard\/page\/|shared\/(?!system\.ts))/,
    law: `the page may import itself and what is pure in shared (not ${system}): it runs in browsers`,
  },
  {
    files: /^orchestrator\/cluster\/roster\//,
    may: /^(orchestrator\/cluster\/roster\/|shared\/(?!system\.ts))/,
    law: `orchestrator/cluster/roster may import itself and what is pure in shared (not ${system})`,
  },
  {
    files: /^orchestrator\/trust\/(comparison|checks|standing|audits|disputes)\//,
    may: /^(orchestrator\/trust\/(comparison|checks|standing|audits|disputes)\/|shared\/(?!system\.ts))/,
    law: `the judgement of trust may import itself and what is pure in shared (not ${system})`,
  },
  ...['http', 'gateway', 'planner', 'store', 'accounts', 'dashboard', 'link', 'cluster', 'trust'].map((name) =>
    edge(`orchestrator/${name}`),
  ),
  {
    files: /^orchestrator\/(main|build|commands\/([a-z-]+\/)?[a-z-]+)\.ts$/,
    may: /^(orchestrator|shared)\//,
    law: 'a main and the commands import their own side',
  },
  {
    files: /^orchestrator\/(brain|edge)\//,
    may: /^(orchestrator\/(?!(main|build|commands)\b)|shared\/)/,
    law: 'brain and edge put processes together: they may import their side, but no program',
  },
  {
    files: /^orchestrator\/[^/]+$/,
    may: new RegExp(`^(orchestrator/(?!main\\.ts)[^/]+$|${engineFace}|shared/)`),
    law: "files beside orchestrator/main.ts may import each other, the engine's ports and keyring, and shared",
  },
  { files: /^scout\/providers\//, may: /^(scout\/providers\/|shared\/)/, law: 'scout/providers may import shared' },
  {
    files: /^scout\/cli\//,
    may: /^(scout\/(?!main\.ts)|shared\/)/,
    law: 'scout/cli may import its whole side, but no main',
  },
  { files: /^scout\/(main|executable)\.ts$/, may: /^(scout|shared)\//, law: 'a main imports its own side' },
  {
    files: new RegExp(`^scout/((${scoutFolders})/)?[^/]+$`),
    may: new RegExp(`^(shared/|scout/((?!main\\.ts)[^/]+$|(core|${scoutFolders})/|providers/provider\\.ts$))`),
    law: 'scout may import its own folders but cli, the port of its providers, and shared',
  },
]

/** Where each package has its one home. Tests and benches are free. */
const packageHomes: Record<string, RegExp> = {
  '@dagrejs/dagre': /^orchestrator\/dashboard\/page\/run\/layout\.ts$/,
  '@preact/signals': /^orchestrator\/dashboard\/page\//,
  '@nats-io/jetstream': /^orchestrator\/cluster\/journal\/nats-log\.ts$/,
  '@nats-io/transport-node': /^orchestrator\/cluster\/bus\/nats-bus\.ts$/,
  '@noble/curves': /^orchestrator\/accounts\/wallet\/ethereum\.ts$/,
  '@noble/hashes': /^orchestrator\/accounts\/wallet\/ethereum\.ts$/,
  '@clack/prompts': /^scout\/cli\/init-questions\.ts$/,
  ajv: /^orchestrator\/planner\/contract\/contract\.ts$/,
  'bun:sqlite': /^orchestrator\/store\//,
  bun: /^(orchestrator|scout)\/(?!core\/)/,
  commander: /^scout\/cli\/commands\.ts$/,
  mustache: /^orchestrator\/planner\/request\/references\.ts$/,
  msgpackr: /^orchestrator\/link\/codec\.ts$/,
  'groq-sdk': /^scout\/providers\/service\/groq\.ts$/,
  openai: /^scout\/providers\/service\/openai-compatible\.ts$/,
  'p-queue': /^scout\/tasks\/executor\.ts$/,
  pino: /^(shared|orchestrator|scout)\/log\.ts$/,
  'pino-pretty': /^(shared|orchestrator|scout)\/log\.ts$/,
  re2js: /^orchestrator\/planner\/contract\/pattern\.ts$/,
  preact: /^orchestrator\/dashboard\/page\//,
  'prom-client': /^orchestrator\/http\/metrics\.ts$/,
  uplot: /^orchestrator\/dashboard\/page\/charts\/plot\.ts$/,
  ws: /^scout\/link\/socket\.ts$/,
  zod: /^(orchestrator|scout)\/(?!core\/|engine\/)/,
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('bun:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** What is wrong with importing this package here; null when nothing is. */
function packageFlaw(path: string, specifier: string): string | null {
  if (specifier.startsWith('node:')) {
    if (/\/core\//.test(path)) return 'the core is pure: take what is needed as an argument'
    return /^node:(timers|perf_hooks)/.test(specifier) ? `take a System (${system}) instead` : null
  }
  const name = packageOf(specifier)
  const home = packageHomes[name]
  if (home === undefined) return `${name} has no home: give it an adapter and a row in test/support/law/import-law.ts`
  return home.test(path) ? null : `${name} may be imported only in ${home.source.replaceAll('\\', '')}`
}

/** The file a relative import means, as a path from the root. */
function targetOf(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier))
}

function free(path: string): boolean {
  return !/^(shared|orchestrator|scout|verifier)\//.test(path)
}

/** Imports of one file that the two tables forbid. */
export function forbiddenImports(file: SourceFile): Violation[] {
  if (free(file.path)) return []
  const folder = folders.find((row) => row.files.test(file.path))
  const rule = 'who may import whom'
  if (folder === undefined) return [{ path: file.path, line: 1, rule, advice: 'this folder has no row in the law' }]
  const violations = hiddenImports(file)
  for (const { specifier, line, typeOnly } of importsOf(file)) {
    if (!specifier.startsWith('.')) {
      const flaw = packageFlaw(file.path, specifier)
      if (flaw !== null) violations.push({ path: file.path, line, rule, advice: flaw })
      continue
    }
    const target = targetOf(file.path, specifier)
    const allowed = folder.may.test(target) || (typeOnly && folder.mayType?.test(target) === true)
    if (!allowed) violations.push({ path: file.path, line, rule, advice: `not ${target}: ${folder.law}` })
    else if (!/\.(tsx?|json|html|css)$/.test(target))
      violations.push({ path: file.path, line, rule, advice: `write the ending: ${specifier}.ts` })
  }
  return violations
}

/** Import cycles among these files (type imports count), each reported once, at the file that sorts first. */
export function importCycles(files: SourceFile[]): Violation[] {
  const edges = new Map<string, string[]>()
  for (const file of files) {
    const targets = importsOf(file).filter(({ specifier }) => specifier.startsWith('.'))
    edges.set(
      file.path,
      targets.map(({ specifier }) => targetOf(file.path, specifier)),
    )
  }
  const reported = new Map<string, Violation>()
  for (const start of [...edges.keys()].sort()) {
    const cycle = pathBack(start, edges)
    if (cycle === null) continue
    const members = [...new Set(cycle)].sort().join(' ')
    if (reported.has(members)) continue
    const advice = `move what both need into a third file: ${cycle.join(' -> ')}`
    reported.set(members, { path: start, line: 1, rule: 'no import cycles', advice })
  }
  return [...reported.values()]
}

/** The shortest way from a file through its imports back to itself. */
function pathBack(start: string, edges: Map<string, string[]>): string[] | null {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const next of edges.get(at) ?? []) {
      if (next === start) {
        const path = [start]
        for (let step: string | undefined = at; step !== undefined; step = cameFrom.get(step)) path.unshift(step)
        return path
      }
      if (cameFrom.has(next)) continue
      cameFrom.set(next, at)
      queue.push(next)
    }
  }
  return null
}
