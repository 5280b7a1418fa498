/**
 * The command line of the scout, and the only user of the `commander` package: which commands and options
 * there are, what they are for, what happens to a mistyped one. Each command is loaded only when it is asked for.
 */
import { Command, CommanderError, Option } from 'commander'
import { agentVersion } from '../process/scout.ts'
import { setupVariables } from './setup-variables.ts'

/** Runs one command line. The process ends with its exit code, after what it wrote is out. */
export async function runCommand(args: string[]): Promise<void> {
  const program = programOf((code) => {
    process.exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    // Whoever read along has seen enough, as `| head` does.
    if ((error as { code?: string }).code === 'EPIPE') return
    if (!(error instanceof CommanderError)) throw error
    // Help and version have been printed.
    if (error.exitCode !== 0) process.stderr.write(`${mistake(error)}\n`)
    process.exitCode = error.exitCode === 0 ? 0 : 2
  }
}

function programOf(ended: (code: number) => void): Command {
  const program = new Command('chasm-scout')
    .description('Serves the models of this machine, or of your accounts, to a Chasm orchestrator.')
    .version(agentVersion, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  program
    .command('start')
    .description('serve, as .env in this folder and the environment say (also without any command)')
    .action(async () => {
      const { start } = await import('./start.ts')
      await start()
    })
  const init = program
    .command('init')
    .description('ask for what a scout needs, try it, and write .env in this folder; flags answer ahead')
    .option('--force', 'without a terminal: write .env even when something does not work yet')
    .action(async (options: Record<string, string | boolean>) => {
      const { init } = await import('./init.ts')
      ended(await init(flagValues(options), options.force === true))
    })
  for (const { flag, about } of setupVariables) init.addOption(new Option(`--${flag} <${flag}>`, about))
  program
    .command('doctor')
    .description('look at everything a scout needs and say what is wrong and what to do')
    .action(async () => {
      const { doctor } = await import('./doctor.ts')
      ended(await doctor())
    })
  program
    .command('status')
    .description('how the scouts running here are: connection, tasks, standing')
    .option('--name <name>', 'only the scout of this name')
    .option('--json', 'one JSON line for each scout')
    .action(async ({ name, json }: { name?: string; json?: true }) => {
      const { status } = await import('./running.ts')
      ended(await status(name, json === true))
    })
  program
    .command('earnings')
    .description('what the scouts of this key earned, by model and day, and why something earned nothing')
    .option('--season <month>', 'of another month than the present one, as 2026-05')
    .option('--name <name>', 'only the scout of this name')
    .option('--json', 'as one JSON line')
    .action(async (options: { season?: string; name?: string; json?: true }) => {
      const { earnings } = await import('./earnings/earnings.ts')
      ended(await earnings(options))
    })
  program
    .command('drain')
    .description('let the running scout finish what it has, and end')
    .option('--name <name>', 'which one, when several run here')
    .action(async ({ name }: { name?: string }) => {
      const { drain } = await import('./running.ts')
      ended(await drain(name))
    })
  return program
}

function flagValues(options: Record<string, string | boolean>): Record<string, string> {
  const values: Record<string, string> = {}
  for (const { variable, flag } of setupVariables) {
    const value = options[flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
    if (typeof value === 'string') values[variable] = value
  }
  return values
}

/** Commander's message as one sentence with what to do. */
function mistake({ message }: CommanderError): string {
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[.?]?$/, '')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}: \`chasm-scout --help\` lists the commands and their options.`
}
