import type { ProbeFinding } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { findStatsSockets, socketLevels, type StatsSocket } from '../../domain/haproxy/config-sockets.ts'
import { runScript } from '../linux/run.ts'

/** A stats socket with the file it stands in. */
export interface LocatedSocket extends StatsSocket {
  file: string
}

export interface ReadConfig {
  /** every file HAProxy reads, folders expanded, in its order */
  files: string[]
  /** highest level first */
  sockets: LocatedSocket[]
  masterWorker: boolean
  /** where a line for the `global` section would go */
  globalFile: string
  findings: ProbeFinding[]
}

const maxConfigBytes = 8 * 1024 * 1024
const maxFiles = 500

/** HAProxy takes the visible `*.cfg` of a folder in alphabetical order (configuration manual 2.6, `-f`). NUL after each path. */
const expandScript = `
LC_ALL=C
for path; do
  if [ -d "$path" ]; then
    for file in "$path"/*.cfg; do [ -f "$file" ] && printf '%s\\0' "$file"; done
  elif [ -e "$path" ] || [ $# = 1 ]; then printf '%s\\0' "$path"; fi
done
true
`

export async function readConfig(
  session: NodeSession,
  facts: NodeFacts,
  paths: readonly string[],
  limits: CallLimits,
): Promise<ReadConfig> {
  const files = await expandPaths(session, paths, limits)
  const read: ReadConfig = { files, sockets: [], masterWorker: false, globalFile: files[0] ?? paths[0] ?? '', findings: [] }
  for (const file of files) {
    try {
      const found = findStatsSockets(await readText(session, facts, file, limits))
      read.sockets.push(...found.sockets.map((socket) => ({ ...socket, file })))
      read.masterWorker ||= found.masterWorker
    } catch (thrown) {
      if (!(thrown instanceof AppError) || limits.signal.aborted || thrown.code.startsWith('ssh.')) throw thrown
      read.findings.push(configUnreadable(file, thrown.message))
    }
  }
  read.sockets.sort((one, other) => socketLevels.indexOf(other.level) - socketLevels.indexOf(one.level))
  return read
}

/** Folders replaced by their files. */
export async function expandPaths(session: NodeSession, paths: readonly string[], limits: CallLimits): Promise<string[]> {
  const listed = await runScript(session, expandScript, paths, { ...limits, maxBytes: 1024 * 1024 })
  return listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '')
    .slice(0, maxFiles)
}

/** As the account itself first: sudo may be allowed for a few commands only, and most configurations are readable by all. */
async function readText(session: NodeSession, facts: NodeFacts, file: string, limits: CallLimits): Promise<string> {
  if (!file.startsWith('/')) {
    throw new AppError(
      'exec.not-permitted',
      'It is relative to the folder HAProxy was started in, which this account may not see.',
    )
  }
  const options = { ...limits, maxBytes: maxConfigBytes }
  const read = session.readFile(file, options).catch((thrown: unknown) => {
    if (facts.sudo !== 'available' || !(thrown instanceof AppError) || thrown.code !== 'exec.not-permitted') throw thrown
    return session.readFile(file, { ...options, privileged: true })
  })
  return (await read).bytes.toString('utf8')
}

function configUnreadable(file: string, why: string): ProbeFinding {
  return {
    severity: 'warning',
    rule: 'haproxy.config-unreadable',
    message: `${file} could not be read, so the sockets it names are not known. ${why}`,
    fix: null,
  }
}
