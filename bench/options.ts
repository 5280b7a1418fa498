/**
 * The command line of `bun bench`: which scenarios, at which size. Every option is a number except the provider,
 * the attacks and the profile's folder;
 * a scenario's own defaults stand where the user names none. `main.ts` is the only reader.
 */
import type { Options } from './scenarios/scenario.ts'

const help: Record<string, string> = {
  scouts: 'scouts in the fleet (10000)',
  edges: 'edges of the largest hub of `cores`; with any, `storm` kills one (2; 0)',
  processes: 'processes the fleet is spread over, at least (1)',
  models: 'models in the fleet (50)',
  offers: 'models each scout offers (5)',
  tokens: 'tokens of a streamed answer (64)',
  'token-rate': 'tokens per second of a stream; 0 is full speed (50)',
  'token-bytes': 'padding of a token (0)',
  'answer-bytes': 'padding of a whole answer (0)',
  think: "the provider's own milliseconds before an answer (0)",
  concurrency: 'tasks at once per scout (4)',
  faulty: 'share of scouts whose provider fails every other time (0)',
  churn: 'share of the fleet that flaps each second, in `churn` and `soak` (0.01)',
  'in-flight': 'requests, or streams, at the same time (200)',
  rate: 'requests per second of open loops (1000)',
  seconds: 'length of one window (4)',
  minutes: 'length of `growth` (10) and `soak` (35)',
  rounds: 'turns each contender takes (3)',
  seed: 'what decides all chance in `trust` (1)',
  attack: 'attacks of `hostile`, with commas between them (all)',
  provider: 'stamped or demo (stamped)',
  profile: 'folder for processor profiles of hub and fleet (none); `hostile` says what ran in the longest turn',
}

export const usage = Object.entries(help)
  .map(([name, text]) => `  --${name.padEnd(12)} ${text}`)
  .join('\n')

export interface CommandLine {
  names: string[]
  /** What the user asked for; everything else may be a scenario's default. */
  given: Map<string, string>
}

/** The command line, or a sentence that says what is wrong with it. */
export function readCommandLine(args: readonly string[]): CommandLine | string {
  const names: string[] = []
  const given = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    if (!arg.startsWith('--')) {
      names.push(arg)
      continue
    }
    const [name = '', inline] = arg.slice(2).split('=', 2)
    const value = inline ?? args[++at]
    if (!(name in help)) return `There is no option --${name}. There are:\n${usage}`
    const isText = name === 'provider' || name === 'profile' || name === 'attack'
    if (value === undefined || (!isText && !(Number(value) >= 0))) return `--${name} wants a number.`
    if (name === 'provider' && value !== 'stamped' && value !== 'demo') return '--provider is stamped or demo.'
    given.set(name, value)
  }
  return { names, given }
}

/** The options of one scenario: what was given, else its defaults, else everybody's. */
export function optionsOf({ given }: CommandLine, defaults: Partial<Options>): Options {
  const number = (name: string, otherwise: number) => Number(given.get(name) ?? otherwise)
  return {
    scouts: number('scouts', defaults.scouts ?? 10_000),
    edges: number('edges', defaults.edges ?? 0),
    processes: number('processes', defaults.processes ?? 1),
    inFlight: number('in-flight', defaults.inFlight ?? 200),
    rate: number('rate', defaults.rate ?? 1_000),
    seconds: number('seconds', defaults.seconds ?? 4),
    rounds: number('rounds', defaults.rounds ?? 3),
    minutes: number('minutes', defaults.minutes ?? 10),
    churn: number('churn', defaults.churn ?? 0.01),
    seed: number('seed', 1),
    attacks: given.get('attack')?.split(',') ?? [],
    population: {
      models: number('models', 50),
      offers: number('offers', 5),
      concurrency: number('concurrency', 4),
      provider: given.get('provider') === 'demo' ? 'demo' : 'stamped',
      thinkMs: number('think', 0),
      tokens: number('tokens', 64),
      tokensPerSecond: number('token-rate', 50),
      tokenBytes: number('token-bytes', 0),
      answerBytes: number('answer-bytes', 0),
      faulty: number('faulty', 0),
    },
    profileDir: given.get('profile') ?? null,
  }
}
