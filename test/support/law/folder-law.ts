/**
 * The shape of the tree: how many files a folder holds, and in which direction the folders of one level import each
 * other. Reads paths and imports only; `import-law.ts` judges single files. Feeds `tidy.test.ts`.
 */
import { posix } from 'node:path'
import { importsOf, type SourceFile, type Violation } from './import-law.ts'

const folderFilesMax = 12

/** Folders that hold too many files beside their sub-folders. The root is the tools' own. */
export function crowdedFolders(paths: readonly string[]): Violation[] {
  const counts = new Map<string, number>()
  for (const path of paths) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1)
  return [...counts]
    .filter(([folder, count]) => folder !== '.' && count > folderFilesMax)
    .map(([path, count]) => ({
      path,
      line: 1,
      rule: 'folders stay small',
      advice: `${count} files: make folders of its concepts, at most ${folderFilesMax} files each`,
    }))
}

interface Arrow {
  from: string
  to: string
  /** One import that draws it. */
  because: string
}

/** The two folders of one level that an import connects; null when one file lies in the common folder itself. */
function arrowOf(path: string, target: string): Arrow | null {
  const from = path.split('/')
  const to = target.split('/')
  let shared = 0
  while (from[shared] === to[shared]) shared++
  if (shared === from.length - 1 || shared === to.length - 1) return null
  const upTo = (parts: string[]): string => parts.slice(0, shared + 1).join('/')
  return { from: upTo(from), to: upTo(to), because: `${path} imports ${target}` }
}

/** Folders of one level that reach each other in a circle, type imports included; each circle once. */
export function folderCycles(files: readonly SourceFile[]): Violation[] {
  const arrows = new Map<string, Map<string, Arrow>>()
  for (const file of files) {
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.')) continue
      const target = posix.normalize(posix.join(posix.dirname(file.path), specifier))
      const arrow = target === file.path ? null : arrowOf(file.path, target)
      if (arrow === null) continue
      const known = arrows.get(arrow.from) ?? new Map<string, Arrow>()
      if (!known.has(arrow.to)) known.set(arrow.to, arrow)
      arrows.set(arrow.from, known)
    }
  }
  const found = new Map<string, Violation>()
  for (const start of [...arrows.keys()].sort()) {
    const circle = wayBack(start, arrows)
    if (circle === null) continue
    const name = circle.map(({ from }) => from).sort()
    if (found.has(name.join(' '))) continue
    const advice = circle.map(({ because }) => because).join('; ')
    found.set(name.join(' '), { path: start, line: 1, rule: 'folders import in one direction', advice })
  }
  return [...found.values()]
}

/** The shortest way from a folder through its arrows back to it. */
function wayBack(start: string, arrows: ReadonlyMap<string, ReadonlyMap<string, Arrow>>): Arrow[] | null {
  const cameBy = new Map<string, Arrow>()
  const queue = [start]
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const arrow of arrows.get(at)?.values() ?? []) {
      if (cameBy.has(arrow.to)) continue
      cameBy.set(arrow.to, arrow)
      if (arrow.to !== start) queue.push(arrow.to)
    }
  }
  if (!cameBy.has(start)) return null
  const way: Arrow[] = []
  for (let at = start; way.length === 0 || at !== start; at = way[0]!.from) way.unshift(cameBy.get(at)!)
  return way
}
