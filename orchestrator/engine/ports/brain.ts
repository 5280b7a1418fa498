/**
 * Between the edges and the brain. An edge holds the sockets of clients and scouts and carries answers between them;
 * the brain steps the core and owns the store. They meet only here, and every message is plain data: joined in one
 * process it is an object that is handed over, and most are events and effects of the core as they are. Bodies never
 * pass the brain, but for those of durable tasks, which it carries itself.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Effect, Event } from '../../core/events.ts'
import type { Charge, ChargedKey, Use } from './charged-key.ts'
import type { WorkDone } from './ledger/work.ts'
import type { Greeting, Standing, Welcome } from './scouts.ts'
import type { GrantNote } from './trust/witness.ts'
import type { UsageTally } from './usage.ts'

type EventOf<Type extends Event['type']> = Extract<Event, { type: Type }>
type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>

/** From who carries the answers of tasks. A `settle` comes once its body is checked and kept. */
export type FromClients =
  /** `charge` is null for a key without limits that may use every model, where tasks cost no points. */
  | (EventOf<'submit'> & { charge: Charge | null })
  /** What was submitted to an earlier brain, and goes on. */
  | (EventOf<'adopt'> & { charge: Charge | null })
  | EventOf<'cancel' | 'settle' | 'contentBegan' | 'renewed' | 'attemptBroken' | 'unsent'>
  /**
   * The task is over, and this was used of it: null for nothing. At the prices of its grant, in millionths of a dollar.
   * Not sent of a task that used nothing, costs no points, and whose key is not limited.
   */
  | {
      type: 'used'
      task: number
      payer: Pick<ChargedKey, 'id' | 'account'>
      kind: TaskKind
      use: Use | null
      microDollars: number
    }
  /** Asks for the task's place in the queue; answered with `position`. */
  | { type: 'where'; task: number }
  /** Usage of answers that were given to clients, for the books. */
  | { type: 'usage'; sum: UsageTally }
  /** What was done for a client that waited, for its receipt. */
  | { type: 'worked'; work: WorkDone }

/** From who holds the sockets of scouts. */
export type FromScouts =
  | { type: 'joined'; greeting: Greeting }
  | EventOf<'credit' | 'scoutOffers' | 'started' | 'scoutDraining' | 'heartbeat'>
  /** `isForsaken`: it will not come back. */
  | { type: 'gone'; session: number; isForsaken: boolean }

/** To who carries the answer of this task. */
export type ToClients =
  /**
   * The prices of a grant are what is charged: no more than the offer asks, nor than was set aside. `noted`: what who
   * judges answers says of it, where its answer is carried in another process. `salt`: for a scout that signs answers.
   */
  | (EffectOf<'grant'> & { noted?: GrantNote; salt?: Uint8Array })
  | EffectOf<'servedBy' | 'attemptVoid' | 'finished'>
  /** A limit of its key stops the task, which never began. */
  | { type: 'refused'; task: number; fault: Fault }
  /**
   * The attempt goes on over this session, and whoever holds that is told which chunk is expected next; the latter
   * alone when the attempt is decided, which its scout does not know yet.
   */
  | { type: 'resume'; task: number; attempt: number; session: number; scout: string; isDecided: boolean }
  /** Tasks before it, null when it does not wait for a scout. */
  | { type: 'position'; task: number; position: number | null }

/** To who holds the socket of this session. */
export type ToScouts =
  | EffectOf<'cancelAttempt' | 'verdict' | 'closeSession'>
  /** Of leases that are resumed the next chunk is not known here: a `resume` to who carries the answer finds it out. */
  | { type: 'welcome'; session: number; welcome: Welcome }
  | { type: 'standing'; session: number; standing: Standing }

/** The brain as the edges know it. An error out of it is a defect. */
export interface BrainPort {
  fromClients(message: FromClients): void
  fromScouts(message: FromScouts): void
  /**
   * What was reported is decided on before this returns, if the brain is in this process; else nothing happens, and
   * whoever calls it must be right without.
   */
  flush(): void
}

/** The edges as the brain knows them. */
export interface EdgePort {
  toClients(message: ToClients): void
  toScouts(message: ToScouts): void
  /** Usage that waits in this process for the books is reported now; that of edges in others comes in its time. */
  bookUsage(): void
}
