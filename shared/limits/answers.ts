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

/** Bytes of an answer's `usage`; more fails the attempt. Known ones have a few hundred. */
export const answerUsageBytesMax = 16 * KiB

/**
 * Prompt tokens that an answer may claim beyond the bytes of its request: templates, tools and instructions that an
 * engine adds by itself. What is claimed beyond that is not booked.
 */
export const promptTokensAdded = 4_096

/**
 * Prompt tokens that an image, a sound or a file of the request may cost beyond its bytes, because it may be named by
 * its address alone; the dearest known (an image of high detail) is about 48,000. And how many of them are counted.
 */
export const promptTokensPerMedium = 65_536
export const mediaCountedMax = 256

/** Sums of usage stop at this, the largest number that survives every reader of JSON. */
export const usageSumMax = Number.MAX_SAFE_INTEGER

/**
 * Bytes of the lines of one streamed answer, all its content together; more fails the attempt with `answer_too_large`.
 * Above what a scout reads of its provider, whose lines it may write anew.
 */
export const streamedAnswerBytesMax = 96 * MiB
