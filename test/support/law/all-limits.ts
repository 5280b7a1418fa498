/** Every limit of every owner by its name, for tests that hold documents against them. */
import * as answers from '../../../shared/limits/answers.ts'
import * as clusterBus from '../../../shared/limits/cluster/bus.ts'
import * as clusterPresence from '../../../shared/limits/cluster/presence.ts'
import * as clusterRoster from '../../../shared/limits/cluster/roster.ts'
import * as clusterSharing from '../../../shared/limits/cluster/sharing.ts'
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
import * as trust from '../../../shared/limits/trust/audits.ts'
import * as disputes from '../../../shared/limits/trust/disputes.ts'
import * as wire from '../../../shared/limits/wire.ts'

export const limits = {
  ...answers,
  ...clusterBus,
  ...clusterPresence,
  ...clusterRoster,
  ...clusterSharing,
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
  ...trust,
  ...disputes,
  ...wire,
}
