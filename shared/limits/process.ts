/**
 * Processes of one machine: starting together, open files, draining, ending.
 */

/** From the first signal to exit 0; what is unfinished then is handed back or failed. */
export const drainMs = 30_000

/** A part that is not ready by then is named on the terminal; the wait goes on. */
export const startNoticeMs = 30_000

/** How long the scout is ahead in a common shutdown, so that it announces its drain before the hub leaves. */
export const drainHeadStartMs = 1_000

/** From the first signal until what still runs is killed; a second below the promised 35. */
export const drainKillMs = drainMs + drainHeadStartMs + 3_000

/** A signal this soon after the first is its echo: `npm` passes on a Ctrl-C that the terminal has delivered too. */
export const signalEchoMs = 500

/** Share of `ulimit -n` the hub fills with scouts; the next is refused, since at the limit itself Bun spins. */
export const descriptorShare = 0.8

/** Share of `ulimit -n` for clients' requests beside as many scouts as there may be; beyond it 503 `hub_overloaded`. */
export const clientDescriptorShare = 0.1

/** Exit code of an orchestrator that ends itself because of a defect: whoever supervises it starts it again. */
export const defectCode = 70

/** Defects in a row, without an orchestrator that listened in between, after which the supervisor gives up. */
export const defectsInRowMax = 5

/** Log lines that wait for a reader that is slow; what is more is dropped and counted. */
export const logBacklogBytesMax = 1024 * 1024

/** How often a reader that takes nothing is tried again. */
export const logRetryMs = 50

/** A write that takes longer waits for nobody; a process that ends does not wait with it. */
export const logStuckMs = 500

/** How often a process looks whether the one that started it still lives; without it, it drains. */
export const parentLookMs = 1_000

/** Descriptors that requests leave over for scouts and health while the fleet is not full. */
export const descriptorsReserved = 64

/** Share of those connections that the scouts of one operator may fill; its next one is refused with 503. */
export const descriptorShareOfOperator = 0.75

/**
 * One frame between two processes of a hub: a batch of messages with their bodies. The largest request and all that may
 * be reported in the same turn; a longer one is nothing that the other end has sent, and closes the link.
 */
export const linkFrameBytesMax = 80 * 1024 * 1024

/** Bodies of one batch; with more it is written before the turn ends. */
export const linkBatchBytes = 1024 * 1024

/** Bytes that wait for the process at the other end, above the largest request; with more the link is given up. */
export const linkQueueBytesMax = 96 * 1024 * 1024

/** How often either end of a link says that it is alive, and looks at the other end. */
export const linkAliveMs = 500

/** Silence, or no progress with what waits, after which a link is given up: a process that is stopped stays silent. */
export const linkSilenceMs = 5_000

/**
 * After a long step of a work in turns the loop is left to others for so many times as long as the step took, and after
 * a commit for as long: not after what took less than this, and for no longer than that.
 */
export const laneRestFactor = 2
export const laneRestMsMin = 1
export const laneRestMsMax = 40

/** Numbers of tasks or sessions that a process of a hub takes at once; a number tells who has its block. */
export const numbersPerBlock = 65_536

/** Edges of one hub: each of them has a link to each other one. */
export const edgesMax = 32

/**
 * How long the end of a scout's session is held back where there are edges: what its scout sent before may still come
 * by way of another edge. Many times what that takes.
 */
export const goneHoldMs = 50

/** How long an edge lets requests wait for a brain that is gone; what no scout has then is refused with 503. */
export const brainWaitMs = 5_000

/** How long an edge keeps its sockets without a brain; then it ends. */
export const brainAwayMsMax = 30_000

/** How often an edge looks whether another brain is there, and how long one may take to answer. */
export const brainDialMs = 50

/** How long a brain that has started waits for the edges that outlived the last one; who comes later is turned away. */
export const edgesGatherMs = 5_000

/** Sessions that an edge presents in one frame; each may have as many offers as the protocol allows. */
export const presentedPerFrame = 256

/** Brains that one task may outlive; what is in the hands of so many that die may be the reason. */
export const brainLossesMax = 3

/** How long a brain that makes room for another one lets its last answers be written out. */
export const brainLeaveMs = 200

/** Exit code of a brain that makes room for another one. */
export const leftCode = 75

/** Attempts of one session whose end an edge remembers to be missing; the oldest is forgotten. */
export const sessionWorkMax = 4_096

/** Messages for the books that an edge keeps for a brain that is gone; what is more is given up and logged. */
export const bookedKeptMax = 65_536

/** How often an edge tells the brain what it has counted. */
export const edgeFiguresMs = 1_000

/** How often a brain looks whether edges have to be told something else of the network that the hub belongs to. */
export const networkTellMs = 250

/** By how much of the mean edges may differ in the scouts that they hold; beyond it some are asked to move. */
export const balanceSkew = 0.2

/** How often that is looked at, and how many of all scouts are moved each time. */
export const balanceEveryMs = 1_000
export const balanceShare = 0.01

/** With fewer scouts chance alone makes edges differ by more, and any of them has room for all. */
export const balanceScoutsMin = 200

/** Sessions that are looked at for each one that is to move; busy ones stay where they are. */
export const balanceLooks = 4

/** Within this a scout that moves dials again; they are few, and its models are waited for meanwhile. */
export const moveWindowMs = 1_000

/** How long the edges of a hub that leaves may take to close their sockets; then the brain ends without them. */
export const edgesStopMs = 10_000

/** Sockets in the folder of a hub that was killed; one with more was never made by a hub, and is left alone. */
export const runFolderSocketsMax = 256

/** The folder of a killed hub is looked at so often, and so many times: for longer than an edge may drain. */
export const leftFolderLookEveryMs = 1_000
export const leftFolderLooksMax = 60
