#!/usr/bin/env -S bun --no-env-file
/**
 * The entry of the scout: without arguments it starts, configured by its environment, and loads nothing else; with
 * arguments it is the command line. Each is loaded only when it is used, because a scout in a container should not
 * carry what only people at a terminal need.
 */
export {}

const args = process.argv.slice(2)

if (args.length === 0 || (args.length === 1 && args[0] === 'start')) {
  const { start } = await import('./cli/start.ts')
  await start()
} else {
  const { runCommand } = await import('./cli/commands.ts')
  await runCommand(args)
}
