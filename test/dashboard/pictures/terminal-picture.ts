/** The picture of what `npm start` prints, made of the very text: for the README. */
import { banner } from '../../../orchestrator/banner.ts'

const [width, lineHeight, top, left] = [860, 20, 56, 20]
/** As many characters as fit; a longer line ends in dots. */
const charsMax = 98
const font = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace'
const about = 'A terminal after npm start: the address, the provider, the models, a client key, a link and a curl line'

/** What shows no secret of anybody. */
const ready = {
  type: 'ready' as const,
  ...{ url: 'http://127.0.0.1:8080', scoutKey: '', clientKey: 'chasm_client_…' },
  loginUrl: 'http://127.0.0.1:8080/#login=…',
}
const connected = { type: 'connected' as const, provider: 'demo', models: ['demo-small', 'demo-large', 'demo-embed'] }

export function terminalPicture(): string {
  const lines = ['$ npm ci && npm start', '', ...banner(ready, connected).trim().split('\n')]
  const height = top + lines.length * lineHeight
  const texts = lines.flatMap((line, at) => (line === '' ? [] : [textOf(line, top + at * lineHeight)]))
  const lights = ['#ff5f57', '#febc2e', '#28c840'].map((fill, at) => {
    return `<circle cx="${22 + at * 20}" cy="20" r="6" fill="${fill}"/>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-label="${about}">`,
    `<rect width="${width}" height="${height}" rx="10" fill="#14161b"/>`,
    ...lights,
    `<g font-family="${font}" font-size="13.5" xml:space="preserve">`,
    ...texts,
    '</g>',
    '</svg>\n',
  ].join('\n')
}

function textOf(line: string, y: number): string {
  const shown = line.length > charsMax ? `${line.slice(0, charsMax - 1).trimEnd()}…` : line
  return `<text x="${left}" y="${y}" fill="${colourOf(line)}">${escaped(shown)}</text>`
}

function colourOf(line: string): string {
  if (line.startsWith('$')) return '#7ee787'
  if (line.startsWith('Chasm is running') || line.startsWith('Sign in')) return '#79c0ff'
  return line.startsWith('curl') ? '#ffd580' : '#e6e8ee'
}

const signs: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => signs[sign]!)
}
