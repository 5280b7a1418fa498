/**
 * Property tests draw from one seed, so that a run is the same as the last one and nothing fails by chance; `SEED` tries
 * another. To be imported beside fast-check, whose own default is a new seed for each run.
 */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.SEED ?? 20_261_128) })
