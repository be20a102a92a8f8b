import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { run } from './run.ts'

/** $1: pid. The systemd unit whose main process it is, or nothing; then its arguments. */
const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
unit=$(sed -n 's|^[0-9]*:\\(name=systemd\\)\\{0,1\\}:.*/\\([^/]*\\.service\\)$|\\2|p' "/proc/$1/cgroup" | head -n 1)
[ -n "$unit" ] && [ "$(systemctl show -p MainPID --value -- "$unit" 2>/dev/null)" = "$1" ] || unit=
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
