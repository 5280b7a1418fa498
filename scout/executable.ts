/**
 * Entry of the bundle and of the single-file executables: sets the runtime's options and becomes the scout. The engine
 * reads its options once, when the process starts, so a scout that was started without them replaces itself, in the
 * same process, by one that has them. An image sets them from outside and spares itself the second start.
 */

/**
 * A scout waits for a provider most of its life: the optimizing compiler and a collector with threads of its own gain
 * it nothing measurable and cost it 10 MB under load. What the environment says already stays as it is.
 */
const leanOptions = {
  BUN_JSC_useDFGJIT: '0',
  BUN_JSC_useConcurrentGC: '0',
  BUN_JSC_numberOfGCMarkers: '1',
}

// Before anything else is loaded, for all of it would be loaded twice.
if (Object.keys(leanOptions).some((name) => process.env[name] === undefined)) {
  const { execPath, execArgv, argv, env } = process
  const args = Bun.isStandaloneExecutable ? argv.slice(2) : [...execArgv, ...argv.slice(1)]
  process.execve!(execPath, [execPath, ...args], { ...leanOptions, ...env })
}

await import('./main.ts')
