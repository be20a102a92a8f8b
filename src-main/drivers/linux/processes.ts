import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { runScript } from './run.ts'

/** One living process, from parts of /proc that are open to everyone. */
export interface NodeProcess {
  pid: number
  parentPid: number
  uptimeS: number
  /**
   * All four user ids (real, effective, saved, file system) are root's. The owner of /proc/PID says less: it is root for any
   * process that made itself undumpable.
   */
  isRoot: boolean
  /** argv as the process shows it now, separated by NUL and perhaps padded with it */
  cmdline: string
}

/** $1, $2, …: patterns of the program name (15 characters). USER_HZ is 100 on every Linux that runs a load balancer. */
const script = `
# sets state, ppid and ticks; no other program is needed for them
fields_of() { set -f; set -- $1; set +f; state=$1; ppid=$2; ticks=\${20}; }
read -r up rest < /proc/uptime
for d in /proc/[0-9]*; do
  { read -r name < "$d/comm"; } 2>/dev/null || continue
  wanted=
  for pattern; do case $name in $pattern) wanted=1 ;; esac; done
  [ -n "$wanted" ] || continue
  { read -r stat < "$d/stat"; } 2>/dev/null || continue
  fields_of "\${stat##*) }"
  case $state in Z|X) continue ;; esac
  uids=
  while read -r key a b c e; do
    if [ "$key" = Uid: ]; then uids=$a,$b,$c,$e; break; fi
  done 2>/dev/null < "$d/status"
  printf '%s %s %s %s ' "\${d#/proc/}" "$ppid" "$(( \${up%.*} - ticks / 100 ))" "\${uids:-unknown}"
  tr '\\n' ' ' 2>/dev/null < "$d/cmdline"
  echo
done
`

export async function listProcesses(
  session: NodeSession,
  namePatterns: readonly string[],
  limits: CallLimits,
): Promise<NodeProcess[]> {
  const result = await runScript(session, script, namePatterns, { ...limits, maxBytes: 4 * 1024 * 1024 })
  return result.stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const found = /^(\d+) (\d+) (-?\d+) (\S+) (.*)$/.exec(line)
      if (found === null) return []
      const [, pid, parentPid, uptimeS, uids, cmdline = ''] = found
      return [
        {
          pid: Number(pid),
          parentPid: Number(parentPid),
          uptimeS: Math.max(0, Number(uptimeS)),
          isRoot: uids === '0,0,0,0',
          cmdline,
        },
      ]
    })
}
