/**
 * Asking keepalived (2.2.7), as root, in one round trip.
 *
 * keepalived answers a signal by writing fixed files into its own temporary directory: /tmp or $TMPDIR as the daemon sees it
 * (PrivateTmp=), hence through /proc/PID/root. What can go wrong, and what is done about it:
 *
 * - The signal for JSON is a real-time one whose default action is to end the process. It is sent only to a process called
 *   `keepalived` that runs as root, is at least two seconds old, and whose own program file knows that signal.
 * - A stopped daemon would collect the signals and answer them all later: it and its children are checked, and not signalled.
 * - A dump of earlier would pass for an answer: both files are removed first. One that is still being written would be cut short:
 *   the end of the text is awaited, at most two seconds.
 * - Anyone may put a file at that name in /tmp: only a plain file of root is read.
 * - Two consoles would take each other's answers: where the node has flock(1) they take turns on /run; where it has not, the one
 *   that loses sees a daemon that did not answer in this round.
 * - Both dumps contain the clear-text VRRP password. They lose it here, on the node, and once more in their parsers. Neither is
 *   logged, and no error quotes them. The files are removed afterwards.
 *
 * Each time leaves three lines in the node's syslog (`Printing VRRP … on signal`) and takes some 70 ms, so `look` goes before: what may
 * be seen without asking says whether anything may have changed.
 */
import { AppError } from '../../app/app-error.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { endsByItself } from '../../domain/keepalived/parse-argv.ts'
import { listProcesses, type NodeProcess } from '../linux/processes.ts'
import { lastLine, runRootScript, runScript, sectionsFrom } from '../linux/run.ts'

const prelude = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
# a pipe into a function would cost three processes for each part
part() { printf '%s\\0' "$1"; shift; "$@"; printf '\\0'; }
# sets state, parent and ticks
stat_of() {
  { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 1
  set -f; set -- \${stat##*) }; set +f
  state=$1; parent=$2; ticks=\${20}
}
`

/** $1: pid file; may be missing or stale, then the process is looked for. Sections: json, data, pid, uptime, kernel, neighbours. */
const script = `${prelude}
# a zombie is a process that is dead and not buried
is_keepalived() {
  case $1 in ''|*[!0-9]*) return 1 ;; esac
  { read -r name < "/proc/$1/comm"; } 2>/dev/null && [ "$name" = keepalived ] || return 1
  stat_of "$1" || return 1
  case $state in Z|X) return 1 ;; esac
  while read -r key a b c e; do
    if [ "$key" = Uid: ]; then [ "$a,$b,$c,$e" = 0,0,0,0 ]; return; fi
  done 2>/dev/null < "/proc/$1/status"
  return 1
}
find_daemon() {
  pid=
  { read -r pid < "$1"; } 2>/dev/null
  is_keepalived "$pid" && return
  for d in /proc/[0-9]*; do
    pid=\${d#/proc/}
    is_keepalived "$pid" && ! is_keepalived "$parent" &&
      [ "$(readlink "$d/ns/pid")" = "$(readlink /proc/self/ns/pid)" ] && return
  done
  pid=
}
find_daemon "$1"
if [ -n "$pid" ] && stat_of "$pid"; then
  read -r up rest < /proc/uptime
  age=$(( \${up%.*} - ticks / 100 ))
  stopped=
  children=
  { read -r children < "/proc/$pid/task/$pid/children"; } 2>/dev/null
  for process in "$pid" $children; do
    stat_of "$process" && case $state in T|t) stopped=1 ;; esac
  done
  if [ -z "$stopped" ] && [ "$age" -ge 2 ]; then
    exec 9</run
    command -v flock >/dev/null 2>&1 && flock -w 2 9
    tmp=$(tr '\\0' '\\n' < "/proc/$pid/environ" | sed -n 's/^TMPDIR=//p' | head -n 1)
    case $tmp in /*) ;; *) tmp=/tmp ;; esac
    dir=/proc/$pid/root$tmp
    json=$dir/keepalived.json; data=$dir/keepalived.data
    is_ours() { [ -f "$1" ] && [ ! -h "$1" ] && [ -O "$1" ]; }
    clear() { rm -f -- "$json" "$data" "$dir/keepalived_parent.data" "$dir/keepalived_check.data" "$dir/keepalived_bfd.data"; }
    clear
    signal=$("/proc/$pid/exe" --signum=JSON 2>/dev/null)
    case $signal in ''|*[!0-9]*) signal= ;; esac
    kill -USR1 "$pid"
    [ -z "$signal" ] || kill "-$signal" "$pid"
    size=0; tries=100
    while [ "$tries" -gt 0 ] && is_keepalived "$pid"; do
      if [ -n "$signal" ]; then
        is_ours "$json" && [ "$(tail -c 2 "$json" 2>/dev/null | tr -d '\\n')" = ']' ] && break
      elif is_ours "$data"; then
        before=$size; size=$(wc -c < "$data")
        [ "$size" -gt 0 ] && [ "$size" = "$before" ] && break
      fi
      if sleep 0.02 2>/dev/null; then tries=$((tries - 1)); else sleep 1; tries=$((tries - 50)); fi
    done
    if [ -n "$signal" ] && is_ours "$json"; then
      part json sed -E 's/"auth_data":"([^"\\\\]|\\\\.)*"/"auth_data":null/g' "$json"
    fi
    if is_ours "$data"; then
      # beside the JSON dump only what comes after the instances is wanted
      topology() { sed '1,/^------< VRRP Topology/d' "$data" | sed -e '1,/^------</d' -e '/^ *Password = /d'; }
      if [ -n "$signal" ]; then part data topology; else part data sed '/^ *Password = /d' "$data"; fi
    fi
    clear
    exec 9<&-
  fi
  if is_keepalived "$pid"; then
    part pid printf '%s' "$pid"
    part uptime printf '%s' "$age"
  fi
fi
part kernel ip -j addr
part neighbours ip -j neigh 2>/dev/null
`

/**
 * $1, $2, …: files. Needs no privilege, and leaves no trace in any log. Sections: kernel, neighbours, and signs: which processes are there, since
 * when, and whether they are stopped; device, inode, size and times of the files.
 */
const lookScript = `${prelude}
signs() {
  for d in /proc/[0-9]*; do
    { read -r name < "$d/comm"; } 2>/dev/null && [ "$name" = keepalived ] && stat_of "\${d#/proc/}" || continue
    case $state in T|t) state=stopped ;; Z|X) state=dead ;; *) state= ;; esac
    echo "\${d#/proc/} $parent $ticks $state"
  done
  [ $# = 0 ] || stat -L -c '%d %i %s %y %z' -- "$@" 2>/dev/null
}
part signs signs "$@"
part kernel ip -j addr
part neighbours ip -j neigh 2>/dev/null
`

export interface Look {
  /** output of `ip -j addr` */
  kernel: string
  /** output of `ip -j neigh`; empty where it was not asked */
  neighbours: string
  /** differs from an earlier one when something happened that keepalived may say something new about */
  signs: string
}

/** What may be seen of keepalived and of the files it follows without asking it. Files that this account cannot see say nothing. */
export async function look(session: NodeSession, files: readonly string[], limits: CallLimits): Promise<Look> {
  const { stdout } = await runScript(session, lookScript, files, { ...limits, maxBytes: 32 * 1024 * 1024 })
  const sections = sectionsFrom(stdout)
  const kernel = sections.get('kernel') ?? ''
  return { kernel, neighbours: sections.get('neighbours') ?? '', signs: `${sections.get('signs') ?? ''}${kernelSigns(kernel)}` }
}

/** Links and addresses without what runs down by itself. */
export const kernelSigns = (kernel: string): string => kernel.replace(/"(?:valid|preferred)_life_time":\d+/g, '')

/** What came back. The texts hold what the daemon wrote; hand them to their parsers and nowhere else. */
export interface DaemonReply {
  pid: number | null
  uptimeS: number | null
  json: string | null
  data: string | null
  kernel: Look['kernel']
  neighbours: Look['neighbours']
}

export const defaultPidFile = '/run/keepalived.pid'

/** What an account without the right to ask keepalived can still find out: whether it runs, and which addresses the kernel has. */
export async function askKernelOnly(session: NodeSession, limits: CallLimits): Promise<DaemonReply> {
  const [processes, kernel] = await Promise.all([
    listProcesses(session, ['keepalived'], limits),
    runScript(session, kernelScript, [], { ...limits, maxBytes: 32 * 1024 * 1024 }),
  ])
  const daemon = parentOf(processes)
  return {
    pid: daemon?.pid ?? null,
    uptimeS: daemon?.uptimeS ?? null,
    json: null,
    data: null,
    kernel: kernel.stdout.toString('utf8'),
    neighbours: '',
  }
}

const kernelScript = `PATH="$PATH:/usr/sbin:/sbin"; ip -j addr`

/** The process that forked the others; the oldest one where there are several daemons. */
export function parentOf(processes: readonly NodeProcess[]): NodeProcess | null {
  const own = processes.filter(({ isRoot, cmdline }) => isRoot && !endsByItself(cmdline))
  const pids = new Set(own.map((process) => process.pid))
  return own.filter((process) => !pids.has(process.parentPid)).sort((one, other) => other.uptimeS - one.uptimeS)[0] ?? null
}

export async function askDaemon(session: NodeSession, pidFile: string, limits: CallLimits): Promise<DaemonReply> {
  const result = await runRootScript(session, script, [pidFile], { ...limits, maxBytes: 32 * 1024 * 1024 })
  const sections = sectionsFrom(result.stdout)
  const kernel = sections.get('kernel')
  if (kernel === undefined) {
    throw new AppError(
      'daemon.unexpected-reply',
      `keepalived could not be asked: the shell ended with code ${result.code ?? result.signal} ("${lastLine(result.stderr)}"). Probe the node again.`,
      { details: { exitCode: result.code } },
    )
  }
  const number = (name: string): number | null => {
    const text = sections.get(name)
    return text === undefined || text === '' ? null : Number(text)
  }
  return {
    pid: number('pid'),
    uptimeS: number('uptime'),
    json: sections.get('json') ?? null,
    data: sections.get('data') ?? null,
    kernel,
    neighbours: sections.get('neighbours') ?? '',
  }
}
