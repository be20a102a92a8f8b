/*
 * Putting new bytes in the place of a file.
 *
 * Model: a constant script gets the bytes by stdin and writes them beside the file, under a name that no include pattern takes (it begins
 * with a dot and ends with no suffix). Owner, mode and ACL come with `cp -p` of the old file, before the bytes do. Only when they are on disk
 * whole, and the file still is what its editor read, does one rename make them the file. Until then nothing has changed, whatever goes wrong;
 * what is left of an attempt is removed. Bytes may come late, held up with the network, when the file is another's: whoever may take it back
 * meanwhile gives a lock, which is held over the last look and the rename. A symlink is followed, never replaced. Between the last look and the rename lie milliseconds in
 * which another hand is overwritten: POSIX has nothing better.
 */
import { createHash } from 'node:crypto'
import { AppError } from '../../app/app-error.ts'
import type { ExecOptions, ExecResult, ReplaceOptions } from '../../app/ports/node-session.ts'
import { sudoersLine } from './sudo.ts'

/** $1: file, $2: hash of what was read, $3: hash of what comes by stdin, $4: lock to take, or nothing. Says the outcome in one word, then the file's real path. */
const script = `
umask 077
temp= held=
trap '[ -z "$temp" ] || rm -f -- "$temp"; [ -z "$held" ] || rm -f -- "$held"' EXIT
end() { printf '%s %s' "$1" "$live"; exit "$2"; }
hash() { sum=$(sha256sum < "$1") && printf '%s' "\${sum%% *}"; }
look() { stat -c '%u:%g:%a' -- "$1"; }
live=$(readlink -f -- "$1") && [ -f "$live" ] || end missing 1
[ "$(hash "$live")" = "$2" ] || end changed 1
temp=$(mktemp "\${live%/*}/.\${live##*/}.evenkeel~XXXXXX") || end unwritten 1
cp -p -- "$live" "$temp" && cat > "$temp" || end unwritten 1
if [ -e /sys/fs/selinux/enforce ]; then chcon --reference="$live" -- "$temp" || end unwritten 1; fi
[ "$(look "$temp")" = "$(look "$live")" ] || end foreign 1
[ "$(hash "$temp")" = "$3" ] || end unwritten 1
sync "$temp" 2>/dev/null
if [ -n "$4" ]; then ln -sn "replace $(cat /proc/sys/kernel/random/boot_id) $$" "$4" || end locked 1; held=$4; fi
[ "$(hash "$live")" = "$2" ] || end changed 1
mv -f -- "$temp" "$live" || end unwritten 1
temp=
sync "\${live%/*}" 2>/dev/null
end done 0
`

export interface ReplaceOver {
  exec: (argv: readonly [string, ...string[]], options: ExecOptions) => Promise<ExecResult>
  user: string
  /** `user@host:port`, for messages */
  where: string
}

/** See NodeSession.replaceFile. */
export async function replaceFile(
  { exec, user, where }: ReplaceOver,
  path: string,
  bytes: Buffer,
  { expectSha256, lock = '', ...options }: ReplaceOptions,
): Promise<{ sha256: string }> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const argv = ['sh', '-c', script, 'evenkeel', path, expectSha256, sha256, lock] as const
  const result = await exec(argv, { ...options, stdin: bytes, maxBytes: 64 * 1024 }).catch((thrown: unknown) => {
    if (thrown instanceof AppError && thrown.code === 'exec.not-permitted') throw noRule(user, where, path)
    throw thrown
  })
  const said = result.stdout.toString('utf8')
  const word = said.split(' ', 1)[0] ?? ''
  if (word === 'done') return { sha256 }
  throw faultOf(word, { path: said.slice(word.length + 1) || path, where, user, stderr: result.stderr.trim() })
}

/** A rule for a shell is a rule for everything, so it is written as what it is. */
function noRule(user: string, where: string, path: string): AppError {
  const line = sudoersLine(user, ['/usr/bin/sh'])
  return new AppError(
    'exec.not-permitted',
    `${user} may not replace ${path} on ${where}. Writing files as root takes a rule for a shell, which allows everything: add this line to a file in /etc/sudoers.d (with visudo -f): ${line}`,
    { details: { path, sudoersLine: line } },
  )
}

/** Tools say why in the words of strerror(3) in the C locale, which every command is given. Nothing has changed in any of these. */
function faultOf(word: string, at: { path: string; where: string; user: string; stderr: string }): AppError {
  const file = `${at.path} on ${at.where}`
  const details = { path: at.path, stderr: at.stderr }
  if (word === 'missing') return new AppError('exec.not-found', `There is no ${file}.`, { details })
  if (word === 'changed') {
    return new AppError(
      'config.changed-on-node',
      `${file} was changed by somebody else since it was read, and was left so. Read it again.`,
      { details },
    )
  }
  if (word === 'locked') {
    return new AppError(
      'config.write-failed',
      `${file} was not replaced: by the time its bytes had come, another hand was at work on it or had ended the change. Look at it, and read it again.`,
      { details },
    )
  }
  if (word === 'foreign') {
    const why = `${at.user} cannot give the new file the owner and mode of the old one`
    return new AppError('exec.not-permitted', `${file} was not replaced: ${why}. Let Evenkeel use sudo there.`, { details })
  }
  if (/: (Permission denied|Operation not permitted)$/m.test(at.stderr)) {
    return new AppError('exec.not-permitted', `${at.user} may not replace ${file}: ${lastLine(at.stderr)}.`, { details })
  }
  const why = /: No space left on device$|: Disk quota exceeded$/m.test(at.stderr)
    ? 'its disk is full. Make room there'
    : /: Read-only file system$/m.test(at.stderr)
      ? 'its file system is read-only. Mount it for writing'
      : lastLine(at.stderr) || 'the bytes did not arrive whole. Try again'
  return new AppError('config.write-failed', `${file} was not replaced: ${why}.`, { details })
}

const lastLine = (text: string): string => text.split('\n').at(-1) ?? ''
