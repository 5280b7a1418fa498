/**
 * What `init` can set, as one table: the variable, the flag that gives it without a terminal, what it is. The services
 * of `providers/dialects.ts` come with their own variables. The flags are `commands.ts`'s, the questions
 * `init-questions.ts`'s, the rules of the values the readers' of the configuration.
 */
import { type ServiceName, serviceNames, serviceTable } from '../providers/dialects.ts'

interface SetupVariable {
  variable: string
  flag: string
  about: string
}

export interface SetupService {
  name: ServiceName
  title: string
  /** Null for a server that is only looked for at its usual port. */
  variable: string | null
  /** A secret key, or the URL of a server of one's own. */
  isSecret: boolean
}

export const setupServices: SetupService[] = serviceNames.map((name) => {
  const { title, variable, hostedAt } = serviceTable[name]
  return { name, title, variable, isSecret: hostedAt !== null }
})

export const setupVariables: SetupVariable[] = [
  { variable: 'ORCHESTRATOR_URL', flag: 'url', about: 'where the orchestrator is, as https://hub.example.com' },
  { variable: 'SCOUT_KEY', flag: 'key', about: "this scout's key, chasm_scout_..." },
  { variable: 'PROVIDERS', flag: 'providers', about: 'which providers to use, in order of preference, with commas' },
  { variable: 'MODEL', flag: 'model', about: 'models to offer, with commas; all when left out' },
  { variable: 'SCOUT_NAME', flag: 'name', about: 'name of this scout; that of the machine when left out' },
  { variable: 'SCOUT_CONCURRENCY', flag: 'concurrency', about: 'tasks at once' },
  ...setupServices.flatMap(({ title, variable, isSecret }) =>
    variable === null ? [] : [{ variable, flag: flagOf(variable), about: `${isSecret ? 'key' : 'URL'} of ${title}` }],
  ),
]

function flagOf(variable: string): string {
  return variable.toLowerCase().replaceAll('_', '-')
}
