/**
 * The platforms that executables of the scout are built for, as the runtime names them: an operating system and a
 * processor. The build makes a file for each, the orchestrator hands out those that it has.
 */
export const scoutPlatforms = ['linux-x64', 'linux-arm64', 'darwin-arm64'] as const
