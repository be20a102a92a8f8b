/*
 * A program on a node, with what the node has. It lives on one channel: it ends when its input does, which is when the connection ends,
 * when nobody takes its output, by its own alarm, and by the `timeout` that the session puts in front of every command.
 */
import { PassThrough } from 'node:stream'
import { AppError } from '../app/app-error.ts'
import type { NodeSession } from '../app/ports/node-session.ts'
import { perlProgram } from './perl-program.ts'
import type { Program } from './program.ts'
import { pythonProgram } from './python-program.ts'

const noProgram = 84
const noTls = 85
/** as `timeout` tells of a program that its own alarm ended */
const timeIsUp = 128 + 14
/** RHEL's own python is not in the PATH */
const script = `
perl=$1 python=$2
shift 2
[ -z "\${10}" ] && command -v perl >/dev/null 2>&1 && exec perl -e "$perl" -- "$@"
for one in python3 /usr/libexec/platform-python; do
  command -v "$one" >/dev/null 2>&1 && exec "$one" -c "$python" "$@"
done
[ -z "\${10}" ] || exit ${noTls}
exit ${noProgram}
`
/** beyond its own alarm, and for its last words */
const graceMs = 5_000

export function runOnNode(
  session: NodeSession,
  mode: 'probe' | 'watch',
  args: readonly string[],
  { maxMs, signal, onLine }: { maxMs: number; signal: AbortSignal; onLine: (line: string) => void },
): Program {
  const stdin = new PassThrough()
  const own = new AbortController()
  let rest = ''
  const argv = ['sh', '-c', script, 'sh', perlProgram, pythonProgram, mode, String(Math.ceil(maxMs / 1000)), ...args] as const
  const run = session.exec([...argv], {
    signal: AbortSignal.any([signal, own.signal]),
    // adverts are for root alone
    privileged: mode === 'watch',
    timeoutMs: maxMs + graceMs,
    maxBytes: 0,
    stdin,
    onOutput: (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      try {
        lines.forEach(onLine)
      } catch (error) {
        own.abort(error)
      }
    },
  })
  const ended = run.then(
    ({ code, signal: by, stderr }) => {
      if (code === 0 || by === 'ALRM' || code === timeIsUp) return null
      const { nodeId } = session
      if (code === noProgram) {
        return new AppError(
          'exec.not-found',
          `${nodeId} has neither perl nor python3, one of which is needed to watch from it.`,
        )
      }
      if (code === noTls) {
        return new AppError('exec.not-found', `${nodeId} has no python3, which is needed to probe over TLS from it.`)
      }
      const said = stderr.trim() || (by === null ? `exit code ${code}` : `ended by ${by}`)
      return new AppError('exec.failed', `The prober on ${nodeId} failed: ${said}.`, { details: { code, signal: by } })
    },
    (thrown: unknown) => {
      const reason: unknown = own.signal.reason
      if (reason instanceof Error && reason.name !== 'AbortError') return reason
      return thrown instanceof Error ? thrown : new Error(String(thrown))
    },
  )
  return {
    tell: (letter) => void (stdin.writableEnded || stdin.write(letter)),
    finish() {
      stdin.end()
      // over a connection that is dead but not known to be, nothing would ever come back
      const timer = setTimeout(() => own.abort(), graceMs)
      void ended.then(() => clearTimeout(timer))
    },
    ended,
  }
}
