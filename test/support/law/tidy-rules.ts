/**
 * The habits of the house that concern one file at a time, as pure functions from a file to what is wrong with it:
 * purity, sizes, names, exports, documentation. `import-law.ts` holds the law between files; `tidy.test.ts` feeds both
 * with the repository and with samples that must be caught.
 */
import { posix } from 'node:path'
import { functionSpans } from './function-spans.ts'
import type { SourceFile, Violation } from './import-law.ts'
import { lineAt, maskSource } from './source-mask.ts'

const fileLinesMax = 400
const lineCharsMax = 120
const functionLinesMax = 70

/** Every place where a pattern occurs in the code of a file, outside comments and literals. */
function find(file: SourceFile, pattern: RegExp, rule: string, advice: (found: string) => string): Violation[] {
  const { code } = maskSource(file.text)
  return [...code.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineAt(code, match.index),
    rule,
    advice: advice(match[0]),
  }))
}

const notMember = '(?<![.\\w$])'
/** A name in an object literal or a type is no use of the global. */
const notKey = '(?![\\w$]|\\??\\s*:)'
const clocks = 'Date|performance|setTimeout|setInterval|setImmediate|queueMicrotask|crypto|Math\\s*\\.\\s*random'
const platforms = 'console|process|Bun|fetch|globalThis|Promise|async|await'
const clockBans = new RegExp(`${notMember}(?:${clocks})${notKey}`, 'g')
const coreBans = new RegExp(`${notMember}(?:${clocks}|${platforms})${notKey}`, 'g')

/** The cores see no clock, entropy, timer, platform or promise; shared sees no clock, timer or entropy. */
export function impurities(file: SourceFile): Violation[] {
  if (/^(orchestrator|scout)\/core\//.test(file.path)) {
    return find(file, coreBans, 'the core is pure', (word) => `no ${word} here: take it as an argument of the event`)
  }
  if (file.path.startsWith('shared/') && file.path !== 'shared/system.ts') {
    return find(file, clockBans, 'only shared/system.ts touches the world', (word) => `no ${word}: take a System`)
  }
  return []
}

/** What may be called in one place only. */
export function misplacedCalls(file: SourceFile): Violation[] {
  if (!/^(shared|orchestrator|scout)\//.test(file.path) || file.path === 'orchestrator/http/server.ts') return []
  return find(file, /\bBun\s*\.\s*serve\b/g, 'one server', () => 'only orchestrator/http/server.ts listens')
}

export function sizes(file: SourceFile): Violation[] {
  const violations: Violation[] = []
  const add = (line: number, advice: string): void => {
    violations.push({ path: file.path, line, rule: 'sizes', advice })
  }
  const lines = file.text.replace(/\n$/, '').split('\n')
  if (lines.length > fileLinesMax) add(fileLinesMax, `${lines.length} lines: split by concept, at most ${fileLinesMax}`)
  lines.forEach((line, index) => {
    if (line.length > lineCharsMax) add(index + 1, `${line.length} characters: break the line at ${lineCharsMax}`)
  })
  for (const span of functionSpans(maskSource(file.text).code)) {
    if (span.chapter || span.lines <= functionLinesMax) continue
    add(span.line, `${span.name || 'arrow'} has ${span.lines} lines: name its steps, at most ${functionLinesMax}`)
  }
  return violations
}

export function names(file: SourceFile): Violation[] {
  const name = posix.basename(file.path)
  const stem = name.replace(/\.(test|bench|config)?\.?tsx?$/, '')
  const flaw = (advice: string): Violation[] => [{ path: file.path, line: 1, rule: 'file names', advice }]
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|bench|config))?\.tsx?$/.test(name)) return flaw('name the file in kebab-case')
  if (stem === 'index') return flaw('no barrels: name the file after its concept')
  if (/^(utils?|helpers?|types|misc|common|lib)$/.test(stem)) return flaw('name the file after the concept it holds')
  return []
}

export function exportStyle(file: SourceFile): Violation[] {
  const star = find(file, /\bexport\s*(?:type\s*)?\*/g, 'no barrels', () => 'export by name where it is defined')
  if (/\.config\.ts$/.test(file.path)) return star
  const byDefault = /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g
  return [...star, ...find(file, byDefault, 'named exports', () => 'export it by its name')]
}

/** Every source file says at its top what it owns; a helper of tests in a line at least; tests by their names. */
export function openingWords(file: SourceFile): Violation[] {
  if (/\.(test|config)\.ts$/.test(file.path)) return []
  const block = /^(?:#![^\n]*\n)?\/\*\*[\s\S]*?\*\//.exec(file.text)?.[0]
  const long = block?.includes('\n') || file.path.startsWith('test/')
  if (block !== undefined && long && /\w{3,}/.test(block)) return []
  const advice = 'open with a /** block: what it owns, who feeds it, whom it feeds, what it leaves to others'
  return [{ path: file.path, line: 1, rule: 'a file introduces itself', advice }]
}

/** Paths that exist on one machine only. */
export function homePaths(file: SourceFile): Violation[] {
  const home = /(?<![\w.])\/(?:home|Users)\/[\w.-]+|(?<![\w.])\/(?:root|work)\/|[A-Z]:\\Users\\/
  return file.text.split('\n').flatMap((text, index) => {
    const found = home.exec(text)?.[0]
    const advice = `${found} exists on one machine only: use a relative path`
    return found === undefined ? [] : [{ path: file.path, line: index + 1, rule: 'no private paths', advice }]
  })
}

export function lockAddresses(file: SourceFile): Violation[] {
  const lines = file.text.split('\n')
  const at = lines.findIndex((line) => /"resolved"\s*:/.test(line))
  if (at === -1) return []
  const advice = 'run npm install --package-lock-only --omit-lockfile-registry-resolved'
  return [{ path: file.path, line: at + 1, rule: 'the lock names no download addresses', advice }]
}

/** What `COPY` and `ADD` take from the repository, beyond `allowed`. */
export function foreignCopies(dockerfile: SourceFile, allowed: string[]): Violation[] {
  const instructions = dockerfile.text.matchAll(/^[ \t]*(?:COPY|ADD)[ \t]+((?:\\\n|[^\n])*)$/gim)
  return [...instructions].flatMap((match) => {
    const words = (match[1] as string).split(/[\s\\]+/).filter((word) => word !== '')
    if (words.some((word) => word.startsWith('--from'))) return []
    const sources = words.filter((word) => !word.startsWith('--')).slice(0, -1)
    const foreign = sources.map((source) => source.replace(/^\.\/|\/$/g, '')).filter((path) => !allowed.includes(path))
    return foreign.map((path) => ({
      path: dockerfile.path,
      line: lineAt(dockerfile.text, match.index),
      rule: 'an image holds its own side only',
      advice: `does not copy ${path}: allowed are ${allowed.join(', ')}`,
    }))
  })
}

/** Names of environment variables a source mentions: as a string, as a key, or read off something called env. */
export function environmentNames(file: SourceFile): Set<string> {
  const { code, strings } = maskSource(file.text)
  const isName = (text: string): boolean => /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$|^(HOST|PORT|MODEL|PROVIDERS)$/.test(text)
  const words = [...code.matchAll(/(?:\benv\s*\.\s*|[{,]\s*)([A-Z][A-Z0-9_]+)\b/g)].map((match) => match[1] as string)
  return new Set([...strings.values(), ...words].filter(isName))
}

/** Names that `.env.example` documents, set or commented out. */
export function documentedNames(envExample: string): Set<string> {
  return new Set([...envExample.matchAll(/^#?\s?([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] as string))
}
