// A scout in front of a search service: it answers with passages of a folder of notes, best first. NOTES is the folder.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineScout } from 'chasm/scout'

const folder = process.env.NOTES ?? '.'
const files = (await readdir(folder)).filter((name) => /\.(md|txt)$/.test(name))
const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
const passages = texts.flatMap((text, at) => text.split(/\n{2,}/).map((passage) => ({ file: files[at], passage })))

await defineScout({
  name: 'notes',
  offers: [{ model: 'notes', about: 'Finds passages in a folder of notes.' }],
  handle({ text, request }) {
    const words = [...new Set(text.toLowerCase().match(/\p{L}{3,}/gu) ?? [])]
    const found = passages
      .map((entry) => ({ ...entry, hits: words.filter((word) => entry.passage.toLowerCase().includes(word)).length }))
      .filter(({ hits }) => hits > 0)
      .sort((a, b) => b.hits - a.hits)
    return { passages: found.slice(0, Number(request.n ?? 3)) }
  },
}).run()
