/** Every limit of every owner by its name, for tests that hold documents against them. */
import * as answers from '../../../shared/limits/answers.ts'
import * as clusterRoster from '../../../shared/limits/cluster/roster.ts'
import * as commandLine from '../../../shared/limits/command-line.ts'
import * as http from '../../../shared/limits/http.ts'
import * as intents from '../../../shared/limits/intents.ts'
import * as keys from '../../../shared/limits/keys.ts'
import * as planner from '../../../shared/limits/planner.ts'
import * as process from '../../../shared/limits/process.ts'
import * as provider from '../../../shared/limits/provider.ts'
import * as scheduling from '../../../shared/limits/scheduling.ts'
import * as scout from '../../../shared/limits/scout.ts'
import * as store from '../../../shared/limits/store.ts'
import * as wire from '../../../shared/limits/wire.ts'

export const limits = {
  ...answers,
  ...clusterRoster,
  ...commandLine,
  ...http,
  ...intents,
  ...keys,
  ...planner,
  ...process,
  ...provider,
  ...scheduling,
  ...scout,
  ...store,
  ...wire,
}
