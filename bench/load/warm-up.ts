/**
 * How long a load runs before it is measured. The runtime interprets code first and compiles it while it runs; under
 * load that goes on for some 8 seconds, in which a task costs several times what it costs later.
 */

export const warmUpMs = 8_000
