/**
 * Who is compared: for each peer the files that play its server and its workers, the runtime in which they are fastest
 * here, the broker it needs, and how many workers it can really hold. The stage starts what a row says; the report
 * prints its texts. A new peer is a folder and a row.
 */

export interface Peer {
  name: string
  title: string
  /** A limit hands nothing to anybody else, or looks at nothing: what no contender on this runtime can surpass. */
  kind: 'ours' | 'other' | 'limit'
  server: { file: string; runtime: 'bun' | 'node'; isBare?: boolean }
  /** Null when nobody stands behind the server. */
  worker: { file: string; runtime: 'bun' | 'node' } | null
  broker: 'nats' | 'jetstream' | 'redis' | null
  /** The most workers it is asked to hold, and why not more; Infinity when only the machine sets the bound. */
  workersMax: number
  limitedBy: string
}

const all = Number.POSITIVE_INFINITY

export const ourName = 'chasm'

export const peers: readonly Peer[] = [
  {
    name: ourName,
    title: 'this hub',
    kind: 'ours',
    server: { file: 'chasm/hub.ts', runtime: 'bun' },
    worker: { file: 'chasm/worker.ts', runtime: 'bun' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'chasm-bare',
    title: 'this hub, no audits or receipts',
    kind: 'ours',
    server: { file: 'chasm/hub.ts', runtime: 'bun', isBare: true },
    worker: { file: 'chasm/worker.ts', runtime: 'bun' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'raw-http',
    title: 'Bun.serve HTTP echo',
    kind: 'limit',
    server: { file: 'raw-http/server.mjs', runtime: 'bun' },
    worker: null,
    broker: null,
    workersMax: 0,
    limitedBy: 'it answers by itself',
  },
  {
    name: 'raw-ws',
    title: 'Bun.serve websocket relay',
    kind: 'limit',
    server: { file: 'raw-ws/server.mjs', runtime: 'bun' },
    worker: { file: 'raw-ws/worker.mjs', runtime: 'bun' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'ws-json',
    title: 'ws + JSON hub on Node',
    kind: 'other',
    server: { file: 'ws-json/server.mjs', runtime: 'node' },
    worker: { file: 'ws-json/worker.mjs', runtime: 'bun' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'webhook',
    title: 'webhooks to each scout',
    kind: 'other',
    server: { file: 'webhook/server.mjs', runtime: 'bun' },
    worker: { file: 'webhook/worker.mjs', runtime: 'node' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'socket-io',
    title: 'Socket.IO with acks on Node',
    kind: 'other',
    server: { file: 'socket-io/server.mjs', runtime: 'node' },
    worker: { file: 'socket-io/worker.mjs', runtime: 'node' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'socket-io-bun',
    title: 'Socket.IO, the same on Bun',
    kind: 'other',
    server: { file: 'socket-io/server.mjs', runtime: 'bun' },
    worker: { file: 'socket-io/worker.mjs', runtime: 'node' },
    broker: null,
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'nats',
    title: 'NATS core request/reply',
    kind: 'other',
    server: { file: 'nats/server.mjs', runtime: 'bun' },
    worker: { file: 'nats/worker.mjs', runtime: 'node' },
    broker: 'nats',
    workersMax: all,
    limitedBy: '',
  },
  {
    name: 'jetstream',
    title: 'NATS JetStream work queue',
    kind: 'other',
    server: { file: 'jetstream/server.mjs', runtime: 'bun' },
    worker: { file: 'jetstream/worker.mjs', runtime: 'node' },
    broker: 'jetstream',
    workersMax: 1_000,
    limitedBy: 'more of them only make it slower: each idle one is a pull request that the server keeps and renews',
  },
  {
    name: 'bullmq',
    title: 'BullMQ on Redis',
    kind: 'other',
    server: { file: 'bullmq/server.mjs', runtime: 'bun' },
    worker: { file: 'bullmq/worker.mjs', runtime: 'node' },
    broker: 'redis',
    workersMax: 200,
    limitedBy: 'more of them only make it slower: each waits in Redis on a connection of its own',
  },
]
