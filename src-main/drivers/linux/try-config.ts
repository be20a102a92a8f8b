/*
 * Having a daemon judge files before they are live.
 *
 * Model: in a mount namespace of its own, which ends with the command, the new bytes stand at the very paths of the old ones: the daemon's own
 * check reads exactly what would be live, includes and relative paths and all, and nobody else sees any of it. The bytes lie on a tmpfs of
 * that namespace and never reach a disk. A file that is new, or gone, is so
 * in a copy of its folder, which then stands in the folder's place.
 */
import type { ExecResult, NodeSession } from '../../app/ports/node-session.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'

export interface CandidateFile {
  path: string
  /** null: it is not there */
  after: Buffer | null
}

/** $1: the script that runs inside, $2 …: its arguments. */
const outer = `
umask 077
inner=$1; shift
stage=$(mktemp -d /tmp/evenkeel.XXXXXX) || exit 3
trap 'rmdir -- "$stage"' EXIT
unshare -m sh -c "$inner" evenkeel "$stage" "$@"
`

/**
 * $1: an empty folder, $2: number of files, then path and size of each (`-`: it is gone), then the command. The files come by stdin, one after the other.
 * Says \`bound\` before the command does.
 */
const inner = `
stage=$1 count=$2 at=0; shift 2
mount --make-rprivate / 2>/dev/null
mount -t tmpfs -o mode=700 tmpfs "$stage" || exit 3
while [ "$at" -lt "$count" ]; do
  at=$((at + 1))
  [ "$2" = - ] || head -c "$2" > "$stage/$at" || exit 3
  if [ "$2" = - ]; then
    cp -a -- "\${1%/*}" "$stage/$at.folder" && rm -f -- "$stage/$at.folder/\${1##*/}" || exit 3
    mount --bind "$stage/$at.folder" "\${1%/*}" || exit 3
  elif [ -e "$1" ]; then mount --bind "$stage/$at" "$1" || exit 3; else
    cp -a -- "\${1%/*}" "$stage/$at.folder" && mv -- "$stage/$at" "$stage/$at.folder/\${1##*/}" || exit 3
    mount --bind "$stage/$at.folder" "\${1%/*}" || exit 3
  fi
  shift 2
done
printf bound
exec "$@"
`

/** What the command said with the files in place; null: this node has no mount namespaces, or they may not be used. */
export async function tryConfig(
  session: NodeSession,
  files: readonly CandidateFile[],
  argv: readonly string[],
  limits: AdminLimits,
): Promise<(ExecResult & { words: string }) | null> {
  const pairs = files.flatMap(({ path, after }) => [path, after === null ? '-' : String(after.length)])
  const command = ['sh', '-c', outer, 'evenkeel', inner, String(files.length), ...pairs, ...argv] as const
  const stdin = Buffer.concat(files.flatMap(({ after }) => after ?? []))
  const result = await session.exec(command, { ...limits, privileged: true, stdin, maxBytes: 1024 * 1024 })
  const said = result.stdout.toString('utf8')
  return said.startsWith('bound') ? { ...result, words: said.slice('bound'.length) } : null
}
