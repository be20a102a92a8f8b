import { AppError } from '../../app/app-error.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { NodeSession } from '../../app/ports/node-session.ts'
import { sha256Of } from './guard.ts'
import { lastLine, run } from './run.ts'

/** $1: new file, $2: its hash, $3: a file whose owner, mode and label it takes, $4: as ReplaceOptions.lock. A link is made only where there is nothing yet. */
const script = `
umask 077
temp=$(mktemp "\${1%/*}/.\${1##*/}.evenkeel~XXXXXX") || exit 1
held=
trap 'rm -f -- "$temp"; [ -z "$held" ] || rm -f -- "$held"' EXIT
cp -p -- "$3" "$temp" && cat > "$temp" || exit 1
if [ -e /sys/fs/selinux/enforce ]; then chcon --reference="$3" -- "$temp" || exit 1; fi
sum=$(sha256sum < "$temp"); [ "\${sum%% *}" = "$2" ] || exit 1
sync "$temp" 2>/dev/null
ln -sn "replace $(cat /proc/sys/kernel/random/boot_id) $$" "$4" || exit 1
held=$4
ln -- "$temp" "$1" || { [ ! -e "$1" ] || exit 2; exit 1; }
`

/** A file that was not there, with the owner and mode of one that is. Throws as `NodeSession.replaceFile` does. */
export async function createFile(
  session: NodeSession,
  path: string,
  bytes: Buffer,
  { like, lock }: { like: string; lock: string },
  limits: AdminLimits,
): Promise<void> {
  const argv = ['sh', '-c', script, 'evenkeel', path, sha256Of(bytes), like, lock] as const
  const { code, stderr } = await run(session, argv, { ...limits, privileged: true, stdin: bytes, maxBytes: 1024 })
  if (code === 0) return
  const [fault, why] =
    code === 2
      ? (['config.changed-on-node', 'somebody else has made it meanwhile. Read it again'] as const)
      : (['config.write-failed', lastLine(stderr) || 'the bytes did not arrive whole'] as const)
  throw new AppError(fault, `${path} on ${session.nodeId} was not made: ${why}.`, { details: { path, stderr } })
}

/** $1: file, $2: its hash, $3: as ReplaceOptions.lock. What it said is kept beside it by the guard. */
const removal = `
[ ! -h "$1" ] || exit 3
held=
trap '[ -z "$held" ] || rm -f -- "$held"' EXIT
ln -sn "replace $(cat /proc/sys/kernel/random/boot_id) $$" "$3" || exit 1
held=$3
[ -f "$1" ] && sum=$(sha256sum < "$1") && [ "\${sum%% *}" = "$2" ] || exit 2
rm -f -- "$1"
`

/** Takes a file away that still is what it was. Throws as `NodeSession.replaceFile` does. */
export async function removeFile(
  session: NodeSession,
  { path, expectSha256, lock }: { path: string; expectSha256: string; lock: string },
  limits: AdminLimits,
): Promise<void> {
  const argv = ['sh', '-c', removal, 'evenkeel', path, expectSha256, lock] as const
  const { code, stderr } = await run(session, argv, { ...limits, privileged: true, maxBytes: 1024 })
  if (code === 0) return
  const [fault, why] =
    code === 2
      ? (['config.changed-on-node', 'somebody else has changed it meanwhile. Read it again'] as const)
      : (['config.write-failed', code === 3 ? 'it is a link to another file' : lastLine(stderr)] as const)
  throw new AppError(fault, `${path} on ${session.nodeId} was not taken away: ${why}.`, { details: { path, stderr } })
}
