import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { run } from './run.ts'

/** Sets `unit`: the systemd unit whose main process $1 is, or nothing. */
export const unitScript = `
unit_of() {
  unit=$(sed -n 's|^[0-9]*:\\(name=systemd\\)\\{0,1\\}:.*/\\([^/]*\\.service\\)$|\\2|p' "/proc/$1/cgroup" 2>/dev/null | head -n 1)
  [ -n "$unit" ] && [ "$(systemctl show -p MainPID --value -- "$unit" 2>/dev/null)" = "$1" ] || unit=
}
`

/** $1: pid. Its unit, then its arguments. */
const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
${unitScript}
unit_of "$1"
printf '%s\\0' "$unit"
cat "/proc/$1/cmdline"
`

/** What has to be done to have a process again after it has ended. */
export async function originOf(
  session: NodeSession,
  pid: number,
  limits: CallLimits,
): Promise<{ unit: string | null; argv: string[] }> {
  const options = { ...limits, privileged: true, maxBytes: 256 * 1024 }
  const { stdout } = await run(session, ['sh', '-c', script, 'evenkeel', String(pid)], options)
  const [unit = '', ...argv] = stdout.toString('utf8').split('\0')
  if (argv.at(-1) === '') argv.pop()
  return { unit: unit.trim() || null, argv }
}
