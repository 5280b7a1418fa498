/**
 * The relations between limits of different owners. Each limit is chosen on its own page of `shared/limits/`; what must
 * hold between them is here, one sentence each, so that changing one of them shows what else depends on it.
 */
import { describe, expect, test } from 'vitest'
import * as answers from '../../shared/limits/answers.ts'
import * as http from '../../shared/limits/http.ts'
import * as intents from '../../shared/limits/intents.ts'
import * as keys from '../../shared/limits/keys.ts'
import * as planner from '../../shared/limits/planner.ts'
import * as process from '../../shared/limits/process.ts'
import * as provider from '../../shared/limits/provider.ts'
import * as scheduling from '../../shared/limits/scheduling.ts'
import * as scout from '../../shared/limits/scout.ts'
import * as store from '../../shared/limits/store.ts'
import * as wire from '../../shared/limits/wire.ts'
import { encode } from '../../shared/protocol/codec.ts'
import { type FrameOf, nonceBytes } from '../../shared/protocol/frames.ts'

const KiB = 1024
const largest = Number.MAX_SAFE_INTEGER
const wide = (chars: number) => '\u20ac'.repeat(chars)
const nonce = new Uint8Array(nonceBytes)
const acks: FrameOf<'settled'>['acks'] = Array.from({ length: wire.concurrencyMax }, () => [
  largest,
  wire.attemptNumberMax,
  'committed',
])

/** Bun closes an HTTP connection on which nothing moves after at most this many seconds. */
const bunIdleSecondsMax = 255
/** Bun refuses a request whose line and headers together are longer. */
const bunHeaderBytesMax = 16 * KiB

type Relation = [sentence: string, smaller: number, larger: number]

/** Each sentence holds as long as the first number is at most the second. */
function atMost(relations: Relation[]): void {
  test.each(relations)('%s', (_, smaller, larger) => expect(smaller).toBeLessThanOrEqual(larger))
}

const bytesOf = (frame: FrameOf<'task'> | FrameOf<'settle'> | FrameOf<'fragment'>) => encode(frame).length
const task: FrameOf<'task'> = {
  type: 'task',
  task: largest,
  attempt: wire.attemptNumberMax,
  nonce,
  kind: 'embed',
  model: wide(wire.modelCharsMax),
  stream: true,
  ttlMs: wire.durationMsMax,
  deadlineMs: wire.durationMsMax,
  acks,
  size: wire.inlineBodyBytesMax,
  body: new Uint8Array(wire.inlineBodyBytesMax),
}
const settle: FrameOf<'settle'> = {
  type: 'settle',
  task: largest,
  attempt: wire.attemptNumberMax,
  nonce,
  outcome: 'cancelled',
  chunks: largest,
  provider: wide(wire.nameCharsMax),
  credits: wire.concurrencyMax,
  fault: wide(wire.nameCharsMax),
  message: wide(wire.faultMessageCharsMax),
  param: wide(wire.nameCharsMax),
  retryAfterMs: wire.durationMsMax,
  size: wire.inlineBodyBytesMax,
  body: new Uint8Array(wire.inlineBodyBytesMax),
}
const fragment: FrameOf<'fragment'> = {
  type: 'fragment',
  task: largest,
  attempt: wire.attemptNumberMax,
  index: largest,
  bytes: new Uint8Array(wire.fragmentBytes),
}
// An offer is a list of nine values and a lease one of three; the lists count, and so do the fields around them.
const helloValues = wire.offersMax * 10 + wire.concurrencyMax * 4 + 8
const leaseBytes = 1 + 9 + 3 + 2 + nonceBytes

describe('frames and bodies', () => {
  atMost([
    [
      'a task with the largest inline body, the longest model and all acks fits a frame',
      bytesOf(task),
      wire.frameBytesMax,
    ],
    [
      'a settlement with the largest inline body and the longest texts fits a frame',
      bytesOf(settle),
      wire.frameBytesMax,
    ],
    ['a whole fragment fits a frame', bytesOf(fragment), wire.frameBytesMax],
    ['a fragment leaves room for other frames: it is half a frame', wire.fragmentBytes, wire.frameBytesMax / 2],
    ['a body that rides inside its frame would fit one fragment, too', wire.inlineBodyBytesMax, wire.fragmentBytes],
    ['a coalesced chunk rides inside its frame', wire.chunkFrameBytes, wire.inlineBodyBytesMax],
    ['a full hello has no more values than a frame may', helloValues, wire.frameNodesMax],
    [
      'all offers and all leases fit one hello',
      wire.offersBytesMax + wire.concurrencyMax * leaseBytes + 3 * 3 * wire.nameCharsMax + 64,
      wire.frameBytesMax,
    ],
    ['a few of the largest bodies can be half-delivered at once', 4 * wire.bodyBytesMax, wire.assemblyBytesMax],
    [
      'a body has fewer fragments than the count of a frame can number',
      wire.requestBodyBytesMax / wire.fragmentBytes,
      largest,
    ],
    ['a full scout fits the share of its operator', wire.assemblyBytesMax, wire.assemblyBytesPerOperatorMax],
    ['a few operators fit the account of answers', 4 * wire.assemblyBytesPerOperatorMax, wire.assemblyBytesInAllMax],
    ['two tenants fit the account of requests', 2 * http.requestBytesPerTenantMax, http.requestBytesMax],
    ['many of the usual requests fit the share of a tenant', 16 * wire.bodyBytesMax, http.requestBytesPerTenantMax],
    [
      'an answer in fragments is complete before its client would be given up',
      wire.fragmentedBodyMs + (wire.bodyBytesMax / wire.fragmentedBytesPerSecond) * 1_000,
      scheduling.firstContentMs,
    ],
    ['a slow body is noticed within 15 s', Math.max(http.smallBodyMs, http.bodyLookMs) + http.bodyLookMs, 15_000],
    ['acknowledgements that wait fit into one list', wire.acksHeldMax + 1, wire.concurrencyMax],
  ])
})

describe('rates and backlogs', () => {
  const largestFrames = (bytesPerSecond: number) => bytesPerSecond / wire.frameBytesMax

  test('a scout stays below the rates of the hub', () => expect(scout.paceShare).toBeLessThan(1))
  atMost([
    [
      'half the tasks of a full scout may be settled within one second',
      wire.concurrencyMax / 2,
      wire.controlFramesPerSecond,
    ],
    ['a hello of the largest size leaves most of the control bytes', 4, largestFrames(wire.controlBytesPerSecond)],
    ['a body of the largest size may arrive within a second of burst', wire.bodyBytesMax, wire.dataBytesPerSecond],
    [
      'fragments wait before a socket towards a scout is given up',
      wire.fragmentBacklogBytes + wire.frameBytesMax,
      wire.socketBacklogBytesMax,
    ],
    [
      'two stretches of fragments fit the backlog of a socket',
      2 * wire.fragmentStretchBytes,
      wire.socketBacklogBytesMax,
    ],
    ['a scout holds back its provider before it has a whole body unsent', scout.unsentBytesMax, wire.bodyBytesMax],
    [
      'a scout can keep the largest answer of every place it usually has',
      16 * wire.bodyBytesMax,
      scout.unackedBytesMax,
    ],
    [
      "a stream that a scout reads of its provider fits into the hub's bound, also when its lines grow by half",
      1.5 * provider.providerStreamBytesMax,
      answers.streamedAnswerBytesMax,
    ],
    [
      'a paused stream has room for what is under way: unsent bytes, a backlog and a frame',
      scout.unsentBytesMax + wire.fragmentBacklogBytes + wire.frameBytesMax,
      http.streamOverrunBytes,
    ],
    [
      'the hub pauses a stream before it holds more than what may still arrive',
      http.streamBufferBytes,
      http.streamOverrunBytes,
    ],
  ])
})

describe('silence, leases and time', () => {
  atMost([
    ['a peer is given up only after more than two jittered heartbeats', 2 * 1.2 * wire.heartbeatMs, wire.silenceMs],
    ['a lease outlives the silence after which its session is closed', wire.silenceMs, scheduling.leaseTtlMs],
    ['20 s of standstill right before a ping', 1.2 * wire.heartbeatMs + 20_000 + wire.standstillMs, wire.silenceMs],
    ['a lease outlives two jittered heartbeats', 2 * 1.2 * wire.heartbeatMs, scheduling.leaseTtlMs],
    [
      'a scout stops before the hub takes the lease away, by several ticks',
      10 * scheduling.tickMs,
      scheduling.leaseGraceMs,
    ],
    ['an aborted call ends before the hub repeats its cancel', scout.abortGraceMs, scheduling.cancelResendMs / 2],
    [
      'a scout sends a sign of life well before the hub expects the first one',
      2 * scout.startedAfterMs,
      scheduling.firstSignMs,
    ],
    [
      'a client that reads nothing is dropped before the core gives up its stream',
      http.clientStallMs,
      scheduling.contentSilenceMs - 1,
    ],
    ['a client is dropped with a cause before its connection counts as idle', http.clientStallMs, http.httpIdleMs - 1],
    ['the idle time of a connection is one that Bun has', http.httpIdleMs, bunIdleSecondsMax * 1_000],
    ['a waiting client is exempt long before it is idle', 2 * (http.idleExemptMs + http.leaveSweepMs), http.httpIdleMs],
    [
      'a waiting stream is kept alive many times before its connection counts as idle',
      4 * http.keepAliveMs,
      http.httpIdleMs,
    ],
    ['a hello is due before a scout takes the hub for silent', wire.helloTimeoutMs, wire.silenceMs - 1],
    ['a dial fails before the session takes the hub for silent', scout.handshakeTimeoutMs, wire.silenceMs - 1],
    [
      'a lost stream waits for its scout less long than its lease lives',
      scheduling.resumeWindowMs,
      scheduling.leaseTtlMs,
    ],
    ['a scout is back before its stream is given up', wire.reconnectWindowMs, scheduling.resumeWindowMs],
    [
      'a model stays known while its scouts dial again',
      wire.reconnectWindowMs + wire.reconnectCapMs,
      scheduling.modelGraceMs,
    ],
    ['after a restart requests wait until the fleet has dialed again', wire.reconnectWindowMs, scheduling.bootGraceMs],
    ['a superseded scout waits longer than any other', wire.reconnectCapMs, wire.supersededDelayMs],
  ])
})

describe('pauses, and models that are gone', () => {
  atMost([
    ['clients wait for a model until its scouts have dialed again', wire.reconnectWindowMs, scheduling.modelWaitMs],
    ['and no longer than it stays known', scheduling.modelWaitMs, scheduling.modelGraceMs],
    ['its reason is remembered for longer than that', scheduling.modelGraceMs, scheduling.departedModelsMs],
    ['a pause of unknown length is one that may be named', scheduling.pauseMinMs, scheduling.pauseDefaultMs],
  ])
})

describe('providers', () => {
  atMost([
    [
      'a scout that waits for its provider says so twice before the core gives up its stream',
      2 * scout.aliveEveryMs,
      scheduling.contentSilenceMs - 1,
    ],
    [
      'it says so several times before the core gives up what has not begun',
      3 * scout.aliveEveryMs,
      scheduling.firstContentMs,
    ],
    [
      'a first token is waited for as long as a request may take',
      provider.providerFirstTokenMs,
      scheduling.requestDeadlineMs,
    ],
    [
      'a provider that fell silent is given up within the time of a request',
      provider.providerSilenceMs,
      scheduling.requestDeadlineMs,
    ],
    [
      'a model counts as warm for less than the first token of a cold one',
      provider.providerWarmFirstTokenMs,
      provider.providerFirstTokenMs,
    ],
    ['what is no answer is cut before an answer would be', provider.uselessBytesMax, wire.bodyBytesMax],
    ['a stream may be longer than a whole answer', wire.bodyBytesMax, provider.providerStreamBytesMax],
    [
      'a reason that is passed on fits the message of a fault',
      provider.providerReasonCharsMax,
      wire.faultMessageCharsMax,
    ],
  ])
})

describe('deadlines, retries and pauses', () => {
  atMost([
    ['every deadline fits the duration of a frame', scheduling.requestDeadlineMs, wire.durationMsMax],
    ['the longest deadline of an intent fits the duration of a frame', intents.intentDeadlineMsMax, wire.durationMsMax],
    ['the longest pause fits the duration of a frame', scheduling.pauseMaxMs, wire.durationMsMax],
    ['a lease fits the duration of a frame', scheduling.leaseTtlMs + scheduling.leaseGraceMs, wire.durationMsMax],
    [
      'an intent has its usual time within the most it may ask for',
      intents.intentDeadlineMs,
      intents.intentDeadlineMsMax,
    ],
    [
      'one run of a task has far fewer attempts than a frame can number',
      10 * scheduling.attemptsMax * (1 + scheduling.migrationsMax),
      wire.attemptNumberMax,
    ],
    [
      'attempts and returns of one run fit the number of a frame',
      scheduling.attemptsMax + scheduling.returnsMax,
      wire.attemptNumberMax,
    ],
    [
      'all delays between the attempts of a request fit its time',
      scheduling.attemptsMax * scheduling.retryCapMs,
      scheduling.requestDeadlineMs,
    ],
    ['the first delay is below the last', scheduling.retryBaseMs, scheduling.retryCapMs],
    ['the first delay of a dial is below the last', wire.reconnectBaseMs, wire.reconnectCapMs],
    [
      'a request may wait for a scout and then still has most of its time',
      2 * scheduling.queueTimeoutMs,
      scheduling.requestDeadlineMs,
    ],
    ['a first sign is due before the first content', scheduling.firstSignMs, scheduling.firstContentMs],
    ['a scout keeps a result as long as a request may take', scheduling.requestDeadlineMs, scout.unackedResultMs],
    ['a usual pause is shorter than the longest', scheduling.pauseDefaultMs, scheduling.pauseMaxMs],
    ['a planning model has part of the time of an intent', planner.planMsMax, intents.intentDeadlineMs],
    ['a finished intent outlives the answer kept under its key', store.idempotencyMs, store.retentionMs],
    ['an intent ends before it would be removed', intents.intentDeadlineMsMax, store.retentionMs],
  ])
})

describe('ends of processes', () => {
  atMost([
    ['work is handed back before the drain is over', scout.handBackMs + wire.heartbeatMs, process.drainMs],
    ['a provider can end between the hand-back and the end of the drain', scout.abortGraceMs, scout.handBackMs / 2],
    [
      'the parts drain, with the head start of the scout, before they are killed',
      process.drainHeadStartMs + process.drainMs,
      process.drainKillMs - 1_000,
    ],
    ['everything has ended within the promised 35 s', process.drainKillMs, 34_000],
    [
      'scouts and clients together stay below the descriptors',
      process.descriptorShare + process.clientDescriptorShare,
      0.95,
    ],
    [
      'the last answers are written within the time that a drain leaves before the kill',
      http.httpStopMs,
      process.drainKillMs - process.drainMs,
    ],
    ['a close is answered or cut before the hand-back time is over', scout.closeGraceMs, scout.handBackMs],
  ])
})

describe('texts, ids and counts', () => {
  // One place of an event's id: node, attempt, line and the separators, beside the number of the event.
  const placeChars = intents.expandedIdCharsMax + 1 + 9 + 1 + 9 + 1
  const eventIdChars = 16 + intents.followedNodesMax * placeChars

  atMost([
    ['the longest id of an event fits into a header, with room for the others', eventIdChars, bunHeaderBytesMax / 2],
    [
      'the longest Idempotency-Key fits into a header with it',
      eventIdChars + http.idempotencyKeyCharsMax,
      bunHeaderBytesMax / 2,
    ],
    ['the longest key of an administrator fits into a header', keys.adminKeyCharsMax, bunHeaderBytesMax / 2],
    [
      'a name that a node gives to another one has room for its own id',
      planner.nodeIdCharsMax,
      intents.expandedIdCharsMax,
    ],
    ['a proposed id leaves room for what an expansion adds to it', planner.planIdCharsMax, planner.nodeIdCharsMax],
    [
      'a scroll can expand: its nodes are fewer than the tasks of an intent',
      planner.scrollNodesMax,
      intents.intentTasksMax,
    ],
    ['the items of a map fit the tasks of an intent', planner.mapItemsMax, intents.intentTasksMax],
    ['a proposed scroll may expand less than one of a client', planner.planTasksMax, intents.intentTasksMax],
    ['many intents of the largest size fit the queue', 100 * intents.intentTasksMax, intents.durableTasksMax],
    ['one tenant cannot fill the queue', 2 * scheduling.readyTasksPerTenantMax, scheduling.readyTasksMax],
    [
      'the requests that join a scroll at once are a few of the largest',
      4 * wire.bodyBytesMax,
      intents.expansionBytesMax,
    ],
    ['a templated request, in three bytes a character, fits a body', 3 * planner.resultCharsMax, wire.bodyBytesMax],
    ['a contract applies to answers that fit a body', 3 * planner.contractTextCharsMax, wire.bodyBytesMax],
    [
      'a body that is refused with our own words is larger than one that is taken',
      wire.requestBodyBytesMax,
      http.declaredBodyBytesMax,
    ],
    ['the choices of an answer and its tool calls have one bound', intents.toolCallsMax, provider.providerChoicesMax],
    ['a scout that asks for details asks for models that it can offer', provider.detailedModelsMax, wire.offersMax],
    ['a portion of events is read in a few transactions of the journal', intents.eventsPortion, store.journalRowsMax],
    [
      'a merge may name each of its answers at every reference of a text',
      planner.textReferencesMax * planner.scrollNeedsMax,
      planner.nodeReferencesMax,
    ],
    ['a node can read the largest answer', wire.bodyBytesMax, intents.nodeResultsBytesMax],
    ['one search in the longest text is within the steps', planner.patternSizeMax, planner.patternStepsMax / 256],
    ['the largest schema fits the kept ones many times', 32 * planner.contractNodesMax, planner.contractCacheParts],
    ['the costliest pattern fits a schema', planner.patternBuildMax / planner.patternBuildParts, 300],
    ['a hint about a scout names a model or a scout whole', wire.nameCharsMax, http.routingNameCharsMax],
  ])
})

describe('answers', () => {
  test('may be as deep as requests, and hold as many values as embeddings of the largest body', () => {
    expect(answers.answerDepthMax).toBeGreaterThanOrEqual(http.jsonDepthMax)
    // A number, a point and its comma: what is shorter is no embedding.
    expect(answers.answerValuesMax).toBeGreaterThanOrEqual(wire.bodyBytesMax / 4)
  })

  test('of any size cannot move a sum of usage to its end within ten million of them', () => {
    const media = answers.mediaCountedMax * answers.promptTokensPerMedium
    const promptTokens = wire.requestBodyBytesMax + media
    expect(promptTokens * 10_000_000).toBeLessThan(answers.usageSumMax)
  })
})
