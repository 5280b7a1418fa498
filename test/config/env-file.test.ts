import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig as readHubConfig } from '../../orchestrator/config.ts'
import { readConfig as readScoutConfig } from '../../scout/config.ts'
import { writeEnvFile } from '../../scout/env-file.ts'
import { loadEnvFile, parseEnvText, readEnvFile } from '../../shared/env-file.ts'
import { makeKey } from '../../shared/keys/api-key.ts'
import { realSystem } from '../../shared/system.ts'
import { Program } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const key = makeKey('scout', realSystem().randomBytes)

describe('a line of .env', () => {
  test.each([
    ['A=x', 'x'],
    ['  export A = x  ', 'x'],
    ['A=', ''],
    ['A=a$b', 'a$b'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the sample
    ['A=a${PATH}b$PATH', 'a${PATH}b$PATH'],
    ['A=a\\$b', 'a\\$b'],
    ['A="a$b"', 'a$b'],
    ["A='a$b'", 'a$b'],
    ['A=`a$b`', 'a$b'],
    ['A="with \\"quotes\\" and \\\\"', 'with "quotes" and \\'],
    ['A="two\\nlines"', 'two\nlines'],
    ["A='a\\nb'", 'a\\nb'],
    ['A="\'x\'"', "'x'"],
    ['A=x # a comment', 'x'],
    ['A="x # no comment" # a comment', 'x # no comment'],
    ['A=x#y', 'x#y'],
    ['A=#x', ''],
    ['A=x=y=z', 'x=y=z'],
    ['A=“x”', '“x”'],
    ['A="x', '"x'],
    ['\uFEFFA=x\r\n', 'x'],
  ])('%s', (text, value) => {
    expect(parseEnvText(text)).toEqual({ A: value })
  })

  test('is nothing when it is a comment or none at all', () => {
    expect(parseEnvText('# A=1\n\nB\n=2\n1C=3\nD=5\nD=6')).toEqual({ D: '6' })
  })

  test.each(['plain', 'a$b', 'a b', 'a"b', "a'b", 'a\\b', '$HOME', 'x#y', 'x # y', ''])(
    '%s is read as written',
    (value) => {
      const folder = temporaryFolder()
      writeEnvFile(folder, { A: value })
      expect(readEnvFile(folder)).toEqual({ A: value })
    },
  )

  test('that the runtime has expanded before is taken back; what a person set is not', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), 'A=x$HOME\nB=x$NOBODY-y\nC=p$HOME\nD=x')
    const env = { HOME: '/h', A: 'x/h', B: 'x-y', C: 'mine', D: 'mine' }
    expect(loadEnvFile(folder, env)).toBeNull()
    expect(env).toEqual({ HOME: '/h', A: 'x$HOME', B: 'x$NOBODY-y', C: 'mine', D: 'mine' })
  })
})

/** What the runtime makes of these is known to the runtime alone, and none of it may reach the program. */
const peculiar: [string, string][] = [
  ['a name of its own file', 'x$SCOUT_NAME'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the sample
  ['a name that nobody sets, with what stands for it', 'x${NOBODY:-y}z'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the sample
  ['a name in braces', 'x${HOME}z'],
  ['two names after each other', '$HOME$HOME'],
  ['an escaped one', 'a\\$HOME'],
  ['a lone $ at the end', 'x$'],
  ['a $ before a number', 'x$1y'],
  ['a name in double quotes', '"$HOME/x"'],
  ['an escaped letter in double quotes', '"a\\tb"'],
  ['a line break between quotes, which only the runtime reads as one value,', '"two\nlines"'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the sample
  ['a name inside of what stands for another', 'x${NOBODY:-$HOME}y'],
]

describe.each(peculiar)('%s in a value', (_, written) => {
  test('is read as written, though the runtime has read it first', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), `SCOUT_NAME=me\nLOG_FORMAT=${written}\n`)
    const script = join(folder, 'shows.ts')
    const from = JSON.stringify(new URL('../../shared/env-file.ts', import.meta.url).pathname)
    const loads = `import { loadEnvFile } from ${from}\nloadEnvFile(process.cwd(), process.env)\n`
    writeFileSync(script, `${loads}process.stdout.write(JSON.stringify(process.env.LOG_FORMAT))\n`)
    const shown = async (options: string[], env: Record<string, string>) => {
      const program = new Program([process.execPath, ...options, script], folder, { HOME: '/h', ...env })
      expect(await program.exited, program.stderr).toBe(0)
      return JSON.parse(program.stdout) as string
    }
    const { LOG_FORMAT: literal } = parseEnvText(`LOG_FORMAT=${written}`)
    expect(await shown([], {})).toBe(literal!)
    expect(await shown(['--no-env-file'], {})).toBe(literal!)
    // And what a person sets is theirs, in either way of starting.
    expect(await shown([], { LOG_FORMAT: 'mine' })).toBe('mine')
    expect(await shown(['--no-env-file'], { LOG_FORMAT: 'mine' })).toBe('mine')
  })
})

describe('a value that was pasted with its quotes', () => {
  test.each([`"${key}"`, `'${key}'`, `“${key}”`, `${key}"`])('is named as that: %s', (pasted) => {
    const errors = readScoutConfig({ SCOUT_KEY: pasted })
    expect(errors).toEqual([
      'SCOUT_KEY begins or ends with a quote: write it without quotes, which were taken as a part of it.',
    ])
  })

  test('or with a space in it is named as that, without the key', () => {
    const errors = readScoutConfig({ SCOUT_KEY: `${key.slice(0, 20)} ${key.slice(20)}` })
    expect(errors).toEqual(['SCOUT_KEY has a space or a line break in it: write it as one word.'])
  })

  test.each(['ORCHESTRATOR_URL'])('is named in %s', (variable) => {
    expect(readScoutConfig({ SCOUT_KEY: key, [variable]: '"http://hub"' })).toEqual([expect.stringContaining('quote')])
  })

  test.each(['HOST', 'PORT', 'DATA_DIR', 'ADMIN_KEY', 'LOG_LEVEL'])(
    'is named in %s of the orchestrator',
    (variable) => {
      const errors = readHubConfig({ [variable]: `"${'1'.repeat(40)}"` })
      expect(errors).toEqual([expect.stringMatching(new RegExp(`^${variable} begins or ends with a quote`))])
    },
  )
})

describe.each([
  ['scout/main.ts', ['doctor']],
  ['orchestrator/main.ts', []],
])('%s reads it literally', (script, args) => {
  const path = new URL(`../../${script}`, import.meta.url).pathname
  test.each([[['--no-env-file']], [[]]])('when it is started with %j', async (options) => {
    const folder = temporaryFolder()
    // The value is shown in the sentence that refuses it, so it shows how it was read.
    writeFileSync(join(folder, '.env'), `PORT=1$HOME\nLOG_LEVEL=x$HOME\nSCOUT_NAME=a$HOME\nSCOUT_KEY="${key}"\n`)
    const state = { HOME: '/h', SCOUT_STATE_DIR: join(folder, 'state'), PROVIDERS: 'demo' }
    const program = new Program([process.execPath, ...options, path, ...args], folder, state)
    await program.exited
    const said = program.stdout + program.stderr
    if (script.startsWith('scout')) expect(said).toContain('LOG_LEVEL must be one of')
    else expect(said).toContain('PORT must be a whole number from 0 to 65535, but it is "1$HOME"')
    expect(said).not.toContain('not a Chasm key')
  })
})
