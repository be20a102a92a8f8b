import { AppError } from '../../app/app-error.ts'
import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { runScript } from './run.ts'

const maxFiles = 200
const maxFileBytes = 8 * 1024 * 1024
const maxBytesTogether = 32 * 1024 * 1024
const readAtOnce = 8

/** $1: a glob pattern. With IFS empty it is expanded, but neither split nor run. Runs as the account itself, which may see less. */
const globScript = `
IFS=
for file in $1; do if [ -f "$file" ]; then printf '%s\\0' "$file"; fi; done
`

/** The node's clock, then four fields for each file: time of change, owner, mode, size; all empty where it cannot be seen. */
const statScript = `
printf '%s\\0' "$(date +%s)"
for file; do
  stat -L --printf '%Y\\0%U:%G\\0%a\\0%s\\0' -- "$file" 2>/dev/null || printf '\\0\\0\\0\\0'
done
`

export interface ConfigRoots {
  /** where reading begins, in the daemon's order; absolute */
  readonly paths: readonly string[]
  /** absolute glob patterns that a file brings in */
  includesOf(path: string, text: string): readonly string[]
  /** how long the process that reads the files has been running; null where there is none */
  readonly uptimeS: number | null
}

/**
 * Reads a daemon's files with their includes, each once. What cannot be read stands in the list with its error; a lost connection or a
 * cancelled call ends the reading. A file that changed less than two seconds after the process began passes for loaded: process times
 * are whole seconds.
 */
export async function readConfigFiles(
  session: NodeSession,
  { paths, includesOf, uptimeS }: ConfigRoots,
  limits: CallLimits,
): Promise<ConfigFileReading[]> {
  const read = new Map<string, FileReading>()
  const pending = [...paths]
  let together = 0
  while (pending.length > 0) {
    const next = [...new Set(pending.splice(0, readAtOnce))].filter((path) => !read.has(path)).slice(0, maxFiles - read.size)
    const maxBytes = Math.min(maxFileBytes, maxBytesTogether - together)
    const files = await Promise.all(next.map(async (path) => ({ path, file: await readOne(session, path, maxBytes, limits) })))
    const patterns: string[] = []
    for (const { path, file } of files) {
      together += file.bytes?.length ?? 0
      const kept = together > maxBytesTogether ? tooMuch(path) : file
      read.set(path, kept)
      if (kept.bytes !== null) patterns.push(...includesOf(path, kept.bytes.toString('utf8')))
    }
    const included = patterns.map((pattern) => (/[*?[]/.test(pattern) ? expand(session, pattern, limits) : [pattern]))
    pending.push(...(await Promise.all(included)).flat())
  }
  const facts = await statOf(session, [...read.keys()], uptimeS, limits)
  return [...read].map(([path, file], index) => ({ path, ...file, ...(facts[index] ?? unseen) }))
}

type FileReading = Pick<ConfigFileReading, 'bytes' | 'sha256' | 'error'>

const tooMuch = (path: string): FileReading => ({
  ...{ bytes: null, sha256: null },
  error: new AppError('exec.output-truncated', `${path} was not read: the files before it have ${maxBytesTogether} bytes.`),
})

async function readOne(session: NodeSession, path: string, maxBytes: number, limits: CallLimits): Promise<FileReading> {
  if (maxBytes <= 0) return tooMuch(path)
  try {
    return { ...(await session.readFile(path, { ...limits, privileged: true, maxBytes })), error: null }
  } catch (thrown) {
    // what is wrong with one file does not hide the others
    if (!(thrown instanceof AppError) || limits.signal.aborted || !/^(exec|request)\./.test(thrown.code)) throw thrown
    return { bytes: null, sha256: null, error: thrown }
  }
}

async function expand(session: NodeSession, pattern: string, limits: CallLimits): Promise<string[]> {
  const { stdout } = await runScript(session, globScript, [pattern], { ...limits, maxBytes: 1024 * 1024 })
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((file) => file !== '')
}

const unseen = { modifiedAt: null, owner: null, mode: null, loaded: 'unknown' } as const

async function statOf(
  session: NodeSession,
  paths: readonly string[],
  uptimeS: number | null,
  limits: CallLimits,
): Promise<Pick<ConfigFileReading, 'modifiedAt' | 'owner' | 'mode' | 'loaded'>[]> {
  const { stdout } = await runScript(session, statScript, paths, { ...limits, maxBytes: 1024 * 1024 })
  const [now, ...fields] = stdout.toString('utf8').split('\0')
  return paths.map((_, index) => {
    const [changed = '', owner = '', mode = ''] = fields.slice(index * 4, index * 4 + 4)
    if (changed === '') return unseen
    const startedAtS = uptimeS === null ? null : Number(now) - uptimeS
    const loaded = startedAtS === null ? 'unknown' : Number(changed) > startedAtS + 1 ? 'not-loaded' : 'loaded'
    return { modifiedAt: Number(changed) * 1000, owner, mode, loaded }
  })
}
