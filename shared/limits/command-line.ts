/**
 * The scout's command line and its status socket: how long it waits, how much it reads and shows. Nothing here concerns
 * the network.
 */

const MiB = 1024 * 1024

/** Every check of `doctor` and `init` is over within this; a slower one has failed. Below the promised 5 s. */
export const checkMs = 4_000
/** A running scout answers `status` within this, or counts as hanging. */
export const statusAnswerMs = 2_000
/** Bytes of one question to the status socket; a longer one is cut off with its connection. */
export const statusQuestionBytesMax = 64
/** Bytes of one answer of the status socket: 256 offers and as many pauses fit many times; more closes it. */
export const statusAnswerBytesMax = 1 * MiB
/** The orchestrator answers a question of `earnings` within this, or counts as not reached. */
export const earningsAnswerMs = 10_000
/** Bytes of one of its answers: a thousand rows with their reasons fit; a longer one is not read. */
export const earningsAnswerBytesMax = 4 * MiB
/** Answers that are added up, with a thousand rows or fewer each; what is beyond is left out, and that is said. */
export const earningsAnswersMax = 50
/** Connections to the status socket at once; one more is closed at once. */
export const statusAskersMax = 16
/** The live status on a terminal is redrawn this often. */
export const liveViewMs = 1_000
/** A clock this far from the hub's is worth a warning: certificates and rate-limit resets read it. */
export const clockSkewMs = 60_000
/** Free memory below which a scout is likely to be killed with work in hand. */
export const freeMemoryBytesMin = 64 * MiB
/** Names of models in one sentence of a finding, and lines of a file that are named one by one; no more are. */
export const modelsShownMax = 4
export const linesShownMax = 5
/** A shorter time for a first token is worth a warning: a large model takes longer to be loaded. */
export const firstTokenLeastMs = 15_000
/** Open files a scout needs besides two for each task: its own, the libraries', some spare. */
export const spareDescriptors = 64
