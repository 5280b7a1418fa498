/**
 * What an answer of a scout may look like, and how much of what it claims is believed. The hub's check of answers reads
 * every byte once and builds nothing; these bounds keep each of its steps in proportion to the bytes.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** Nesting of an answer's JSON; deeper fails the attempt with `bad_answer`. As deep as a request may be. */
export const answerDepthMax = 64

/** Fields of one object of an answer; more fails the attempt. The widest known (llama.cpp's settings) have about 60. */
export const answerFieldsMax = 256

/** Bytes of a field's name in an answer; a longer one fails the attempt. */
export const answerFieldNameBytesMax = 256

/**
 * Comparisons of field names for each byte of an answer, and those that every answer has free: as many objects as can
 * be of as many fields as can be would cost more; then the attempt fails.
 */
export const answerComparesPerByte = 2
export const answerSpareCompares = 64 * KiB

/** Values in a whole answer; more fails the attempt. 4 MiB of embeddings written as numbers have about 400,000. */
export const answerValuesMax = 2_097_152

/**
 * What is more than a number in an answer: lists, objects, fields, texts, true, false and null; more fails the attempt.
 * An answer of 1,800 tokens with the 20 likeliest tokens for each has as many.
 */
export const answerPartsMax = 196_608

/** Values in one streamed line, which may be read as a whole later; more fails the attempt. */
export const answerLineValuesMax = 65_536

/**
 * Bytes of a line that is kept to compare the next ones of its stream with; longer ones are inspected one by one. Names
 * of fields in so few bytes cost less than `answerSpareCompares`, so that no text between them is too short for them.
 */
export const lineTemplateBytesMax = KiB

/** Bytes of an answer's `usage`; more fails the attempt. Known ones have a few hundred. */
export const answerUsageBytesMax = 16 * KiB

/**
 * Prompt tokens that are believed for an image, a sound or a file of the request, beside one for each byte of its text;
 * what is claimed beyond that is neither booked nor charged. And how many media are counted.
 */
export const promptTokensPerMedium = 2_000
export const mediaCountedMax = 256

/** Sums of usage stop at this, the largest number that survives every reader of JSON. */
export const usageSumMax = Number.MAX_SAFE_INTEGER

/**
 * A longer body of a settlement is checked in slices of so many bytes, one in each turn of the loop: at the most that a
 * byte can cost, a slice takes 3 ms. What follows a check waits for it.
 */
export const answerSliceBytes = 256 * KiB

/**
 * Values of a body checked in slices that are not passed twice: those of so many bytes, down to the level of an
 * answer's text. Shorter ones cost less to pass again than to remember.
 */
export const answerSpanBytesMin = KiB
export const answerSpanLevels = 6

/** Bytes of lines that are put together in one turn when a durable answer is made of them; the rest in later ones. */
export const assemblyStepBytes = 64 * KiB

/**
 * Bytes of long bodies that wait for their check, of all scouts and of one operator's. Beyond its share the attempt
 * fails; beyond the whole it goes back free of charge.
 */
export const checkedBytesMax = 128 * MiB
export const checkedBytesPerOperatorMax = 32 * MiB

/**
 * Lines of a chunk that is too large for its frame; more fails the attempt. Scouts put only a line that is too large by
 * itself into such a chunk; each line costs the hub a microsecond or two, whatever is in it.
 */
export const chunkLinesMax = 1_024

/**
 * Bytes of the lines of one streamed answer, all its content together; more fails the attempt with `answer_too_large`.
 * Above what a scout reads of its provider, whose lines it may write anew.
 */
export const streamedAnswerBytesMax = 96 * MiB
