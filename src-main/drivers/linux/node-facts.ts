import { AppError } from '../../app/app-error.ts'
import type { NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { lastLine, runScript, sectionsFrom } from './run.ts'

/** `sudo -n -l` without a command asks only whether any rule applies; it runs nothing. */
const script = `
part() { printf '%s\\0' "$1"; cat; printf '\\0'; }
uname -n | part host
{ cat /etc/os-release || cat /usr/lib/os-release || uname -sr; } 2>/dev/null | part os
id -un 2>/dev/null | part user
id -u | part uid
if [ -d /run/systemd/system ]; then echo systemd; else echo other; fi | part init
if [ "$(id -u)" = 0 ]; then echo root
elif ! PATH="$PATH:/usr/bin:/usr/local/bin" command -v sudo >/dev/null 2>&1; then echo absent
elif PATH="$PATH:/usr/bin:/usr/local/bin" sudo -n -l >/dev/null 2>&1; then echo available
else echo denied
fi | part sudo
`

/** What the machine is like, in one round trip. Throws `daemon.unexpected-reply` when there is no POSIX shell behind the login. */
export async function probeNodeFacts(session: NodeSession, limits: CallLimits): Promise<NodeFacts> {
  const result = await runScript(session, script, [], { ...limits, maxBytes: 64 * 1024 })
  const sections = sectionsFrom(result.stdout)
  const text = (name: string): string => sections.get(name)?.trim() ?? ''
  if (text('uid') === '') {
    throw new AppError(
      'daemon.unexpected-reply',
      `The node does not run POSIX shell commands for this account (exit code ${result.code}, "${lastLine(result.stderr)}"): log in with an account that has a shell.`,
      { details: { exitCode: result.code } },
    )
  }
  const sudo = text('sudo')
  return {
    hostName: text('host'),
    os: osName(text('os')),
    user: text('user') || text('uid'),
    initSystem: text('init') === 'systemd' ? 'systemd' : 'other',
    sudo: sudo === 'root' || sudo === 'available' || sudo === 'denied' ? sudo : 'absent',
  }
}

/** PRETTY_NAME of os-release(5), e.g. `Debian GNU/Linux 12 (bookworm)`; without it whatever the node said. */
function osName(text: string): string {
  const pretty = /^PRETTY_NAME=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))$/m.exec(text)
  const name = pretty?.[1]?.replace(/\\(.)/g, '$1') ?? pretty?.[2] ?? pretty?.[3]
  return name ?? text.split('\n')[0] ?? ''
}
