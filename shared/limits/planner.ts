/**
 * What a scroll, a template, a contract and a proposal of a planning model may ask for. Beyond a bound the request is
 * refused with 400 unless the comment says otherwise.
 */

const KiB = 1024

/** Nodes of one scroll; more is 400. A plan that people can still look at, and one transaction that stays short. */
export const scrollNodesMax = 256

/** Fields of one node; OpenAI's requests have about 40. More is 400, before anything looks at each of them. */
export const scrollNodeFieldsMax = 256

/** Nodes whose answers one node needs; more is 400: together they must fit into one request. */
export const scrollNeedsMax = 64

/** Needs of all nodes of a scroll together; more is 400. */
export const scrollEdgesMax = 4096

/** Nodes in the longest chain of needs; more is 400: each waits for the one before. */
export const scrollDepthMax = 64

/** Items of one map, and how many when it names no bound; more than its bound fails the node. */
export const mapItemsMax = 256
export const mapItemsDefault = 64

/** Characters of one part of a text that a map splits: at least, at most, and when it names no number. */
export const splitCharsMin = 200
export const splitCharsMax = 200_000
export const splitCharsDefault = 8_000

/** Answers of one vote; more is 400. */
export const voteAnswersMax = 16

/** Characters of all texts of a scroll that hold references; more is 400. What they refer to is not counted. */
export const templateCharsMax = 256 * KiB

/** References in one text, and in all texts of a scroll, known or not; steps of one, characters of a step; or 400. */
export const textReferencesMax = 128
export const scrollReferencesMax = 16_384
export const referenceStepsMax = 8
export const referenceStepCharsMax = 64

/** Fields of a scroll's or template's `params`; more is 400. */
export const paramsMax = 64

/** Share of a model's context that is kept free for its answer. */
export const answerShare = 0.25

/** The least a scroll's token budget may be; less is 400: not even one node could start. */
export const budgetTokensMin = 100

/**
 * Characters of a schema that answers must fit, levels it may nest, and parts it may have; more is 400. A part is a
 * schema, a word of one, or an entry of a list of names: compiling takes time in proportion to them, once per schema.
 */
export const contractSchemaCharsMax = 32 * KiB
export const contractDepthMax = 32
export const contractNodesMax = 500

/** Characters of an answer that must fit a schema; a longer one breaks its contract. */
export const contractTextCharsMax = 256 * KiB

/** Parts of a schema times values of an answer, texts counted by the piece; an answer of more breaks its contract. */
export const contractStepsMax = 2_000_000
export const contractTextCharsPerStep = 8

/** Compiled schemas kept between answers, and their parts together; the oldest is compiled anew when it is needed. */
export const contractCacheMax = 256
export const contractCacheParts = 32_768

/** Characters of a pattern, and of a text that it is tried on; a longer text never matches. */
export const patternCharsMax = 256
export const patternTextCharsMax = 256

/**
 * Instructions of a pattern once its counted repeats are written out, and ranges of characters that building it looks
 * at, where a class of Unicode counts as so many; more is 400.
 */
export const patternSizeMax = 512
export const patternBuildMax = 8_192
export const patternClassParts = 700

/** Instructions times characters of all searches in one answer; an answer that takes more breaks its contract. */
export const patternStepsMax = 131_072

/** Patterns kept built, and bytes in which each may keep what it learnt; the oldest is built anew when needed. */
export const patternCacheMax = 128
export const patternMemoryBytes = 64 * KiB

/** What a pattern counts among the parts of a schema, so that there are few; and ranges of it that count one more. */
export const patternParts = 50
export const patternBuildParts = 32

/** Proposals a planning model may make: the first and two repairs; then the single-task plan is used. */
export const planProposalsMax = 3

/** Tokens of one proposal, and the share of a token budget that all of them together may take. */
export const planTokensMax = 2_048
export const planBudgetShare = 0.2

/** The share of the intent's time that each proposal may take, and the most of it. */
export const planTimeShare = 0.05
export const planMsMax = 60_000

/** Characters of a proposal that are looked at; a longer one is refused unread. */
export const planCharsMax = 64 * KiB

/** Characters of the request that a planning model is shown; of a longer one the middle is left out. */
export const planRequestCharsMax = 16_000

/** Nodes of a proposed scroll, characters of their ids, and tasks they may grow to; more is refused. */
export const planNodesMax = 16
export const planIdCharsMax = 20
export const planTasksMax = 128

/** Models that a planner is told of; those with the most scouts come first. */
export const planModelsMax = 40

/** Voices and rounds of the templates; more is 400. */
export const debateRoundsMax = 5
export const voicesMax = 8

/** Characters of a node's id. */
export const nodeIdCharsMax = 64

/**
 * Characters of results that are put into one templated request, when its node names no context: beyond it the middle
 * of long ones is left out. With a context it is that many tokens times `charsPerToken`.
 */
export const resultCharsMax = 100_000

/** A cautious guess: English has about four, and other languages fewer. */
export const charsPerToken = 3

/**
 * References to results in one request that is about to go out, and characters of all different parts of results that
 * they lead to; more fails the node with `request_too_large`. A merge may name each of its answers in several places.
 */
export const nodeReferencesMax = 8_192
export const renderCharsMax = 16 * KiB * KiB

/** Characters of all answers of a vote that are compared as JSON or by their words; longer ones must be the same. */
export const likenessCharsMax = KiB * KiB

/** The largest `max_price` of a node; more is 400. Any number would do that stays exact in millionths of a dollar. */
export const priceDollarsMax = 1_000_000

/**
 * Characters of a result that is read as JSON, for references into it, lists and votes; a longer one counts as text.
 * And of all that one request reads so together; more fails its node with `request_too_large`.
 */
export const jsonResultCharsMax = KiB * KiB
