/**
 * The script behind `curl … /scout.sh | SCOUT_KEY=… sh`: it fetches the executable for the machine that it runs on,
 * checks it, and starts it; where there is none it says how to do the same with Docker. For any POSIX shell. Pure.
 */

interface Build {
  platform: string
  sha256: string
}

/** `hub`: the address of this hub, a checked one: it stands in the text as it is. */
export function scoutScript(hub: string, builds: readonly Build[]): string {
  const sums = builds.map(({ platform, sha256 }) => `    ${platform}) printf '%s' ${sha256} ;;\n`)
  return text.replaceAll('@HUB@', () => hub).replace('@SUMS@\n', () => sums.join(''))
}

const text = `#!/bin/sh
# Runs a scout of Chasm on this machine, for the orchestrator at @HUB@.
#   curl -fsS @HUB@/scout.sh | SCOUT_KEY=chasm_scout_... sh
# It keeps one file, chasm-scout, below $XDG_DATA_HOME or ~/.local/share. Nothing else is installed.
set -eu

hub='@HUB@'

say() { printf '%s\\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# The SHA-256 of the executable that this orchestrator has for a platform; nothing where it has none.
announced() {
  case "$1" in
@SUMS@
    *) ;;
  esac
}

platform_here() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-amd64) printf linux-x64 ;;
    Linux-aarch64 | Linux-arm64) printf linux-arm64 ;;
    Darwin-arm64) printf darwin-arm64 ;;
    *) ;;
  esac
}

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null; then shasum -a 256 "$1" | cut -d ' ' -f 1
  else openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  fi
}

fetch() {
  if command -v curl >/dev/null; then curl -fsS -o "$2" "$1"
  elif command -v wget >/dev/null; then wget -q -O "$2" "$1"
  else stop 'Neither curl nor wget is here: install one of them, then try again.'
  fi
}

with_docker() {
  say "This orchestrator has no scout ready to run on this machine ($(uname -s), $(uname -m))."
  say 'With Docker it works all the same. In a copy of Chasm, once:'
  say '  docker build -f Dockerfile.scout -t chasm-scout .'
  say 'and then, with your key in place of the dots:'
  # A container has a loopback of its own.
  case "$hub" in
    http://127.* | http://localhost* | 'http://[::1]'*) network=' --network host' ;;
    *) network='' ;;
  esac
  say "  docker run -d --name scout --restart unless-stopped$network --read-only --tmpfs /tmp --cap-drop ALL \\\\"
  say "    -e ORCHESTRATOR_URL=$hub -e SCOUT_KEY=... chasm-scout"
  exit 1
}

main() {
  if [ -z "\${SCOUT_KEY:-}" ]; then
    say 'A key is missing: this orchestrator lets in scouts that have one. Get one from its page, then run'
    stop "  curl -fsS $hub/scout.sh | SCOUT_KEY=chasm_scout_... sh"
  fi
  platform=$(platform_here)
  wanted=$(announced "$platform")
  # The executable needs the GNU C library, which this system has another one for.
  if [ -z "$wanted" ] || ldd /bin/sh 2>&1 | grep -q musl; then with_docker; fi
  if ! command -v sha256sum >/dev/null && ! command -v shasum >/dev/null && ! command -v openssl >/dev/null; then
    stop 'Nothing here can check a SHA-256 (sha256sum, shasum or openssl): install one of them, then try again.'
  fi
  [ -n "\${XDG_DATA_HOME:-}\${HOME:-}" ] || stop 'HOME is not set: set it to a folder that may keep the scout.'
  folder="\${XDG_DATA_HOME:-\${HOME:-}/.local/share}/chasm"
  program="$folder/chasm-scout"
  mkdir -p "$folder" || stop "$folder cannot be made: set XDG_DATA_HOME to a folder that may keep the scout."
  if [ ! -f "$program" ] || [ "$(sum_of "$program")" != "$wanted" ]; then
    say "Fetching the scout for $platform (about 100 MB, once) ..."
    part="$program.part.$$"
    trap 'rm -f "$part"' EXIT
    trap 'exit 1' INT TERM
    fetch "$hub/scout/$platform" "$part" || stop "The scout could not be fetched from $hub: try again in a minute."
    if [ "$(sum_of "$part")" != "$wanted" ]; then
      stop "What came is not what $hub announced (its SHA-256 differs): try again, and tell its operator."
    fi
    chmod 755 "$part"
    mv "$part" "$program"
    trap - EXIT INT TERM
  fi
  say 'Starting: it serves with a model server on this machine, or with the key of a provider. Ctrl-C stops it.'
  ORCHESTRATOR_URL="$hub"
  export ORCHESTRATOR_URL SCOUT_KEY
  exec "$program" "$@" </dev/null
}

# At the end, so that a script that was cut off does nothing.
main "$@"
`
