import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { parseCommandLine, type CommandLine } from '../../domain/haproxy/command-line.ts'
import { runScript } from '../linux/run.ts'

export interface HaproxyProcess {
  pid: number
  parentPid: number
  userId: number
  /** null when this account may not see it */
  binary: string | null
  commandLine: CommandLine
}

/**
 * Five fields and NUL each: pid, parent, user, binary, working folder; then the arguments, one a line, and NUL.
 * A zombie (state Z) has ended, and only its parent has not noticed.
 */
const listScript = `
for d in /proc/[0-9]*; do
  { read -r name <"$d/comm"; } 2>/dev/null || continue
  [ "$name" = haproxy ] || continue
  state= parent= user=
  while read -r key value _; do
    case $key in State:) state=$value ;; PPid:) parent=$value ;; Uid:) user=$value; break ;; esac
  done 2>/dev/null <"$d/status"
  [ "$state" != Z ] || continue
  printf '%s\\0' "\${d#/proc/}" "$parent" "$user" "$(readlink "$d/exe" 2>/dev/null)" "$(readlink "$d/cwd" 2>/dev/null)" \\
    "$(tr '\\0' '\\n' <"$d/cmdline" 2>/dev/null)"
done
`
const fieldsPerProcess = 6

/** Every HAProxy process this node shows, workers included; oldest pid first. Needs no privilege, but sees less without. */
export async function listProcesses(session: NodeSession, limits: CallLimits): Promise<HaproxyProcess[]> {
  const result = await runScript(session, listScript, [], { ...limits, maxBytes: 1024 * 1024 })
  const fields = result.stdout.toString('utf8').split('\0')
  const processes: HaproxyProcess[] = []
  for (let at = 0; at + fieldsPerProcess < fields.length; at += fieldsPerProcess) {
    const [pid = '', parent = '', user = '', binary = '', folder = '', argv = ''] = fields.slice(at, at + fieldsPerProcess)
    processes.push({
      pid: Number(pid),
      parentPid: Number(parent),
      userId: Number(user),
      // The kernel's mark on a binary that a package upgrade has replaced.
      binary: binary === '' ? null : binary.replace(/ \(deleted\)$/, ''),
      commandLine: parseCommandLine(argv.split('\n'), folder),
    })
  }
  return processes.sort((one, other) => one.pid - other.pid)
}

/** One per instance: the master, or the process itself where there is no master. Those of root come first. */
export function findInstances(processes: readonly HaproxyProcess[]): HaproxyProcess[] {
  const pids = new Set(processes.map((process) => process.pid))
  const instances = processes.filter((process) => !pids.has(process.parentPid))
  return instances.sort((one, other) => Number(one.userId !== 0) - Number(other.userId !== 0))
}

/**
 * Processes of before a reload that belong to the same instance as the worker `pid`: the master's other children, or, without
 * a master, those that were started with the same configuration files.
 */
export function oldProcessesOf(pid: number, processes: readonly HaproxyProcess[]): HaproxyProcess[] {
  const worker = processes.find((process) => process.pid === pid)
  if (worker === undefined) return []
  const files = worker.commandLine.configFiles.join('\n')
  const master = processes.find((process) => process.pid === worker.parentPid)
  return processes.filter((process) => {
    if (process.pid === pid) return false
    return master === undefined ? process.commandLine.configFiles.join('\n') === files : process.parentPid === master.pid
  })
}
