import { AppError } from '../../app/app-error.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { includesOf, linesOf, type ConfigLine } from '../../domain/keepalived/parse-config.ts'
import { runScript } from '../linux/run.ts'

/** $1: a glob pattern. With IFS empty it is expanded, but neither split nor run. Runs as the account itself, which may see less. */
const globScript = `
IFS=
for file in $1; do if [ -f "$file" ]; then printf '%s\\0' "$file"; fi; done
`

const maxFiles = 200

/** Throws what `readFile` throws. */
async function readConfig(
  session: NodeSession,
  main: string,
  limits: CallLimits,
): Promise<{ files: string[]; lines: ConfigLine[] }> {
  const files = new Set<string>()
  const lines: ConfigLine[] = []
  const pending = [main]
  for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
    if (files.has(path) || files.size >= maxFiles) continue
    files.add(path)
    const { bytes } = await session.readFile(path, { ...limits, privileged: true, maxBytes: 8 * 1024 * 1024 })
    const own = linesOf(path, bytes.toString('utf8'))
    lines.push(...own)
    for (const pattern of includesOf(own)) {
      const result = await runScript(session, globScript, [pattern], { ...limits, maxBytes: 1024 * 1024 })
      pending.push(
        ...result.stdout
          .toString('utf8')
          .split('\0')
          .filter((file) => file !== ''),
      )
    }
  }
  return { files: [...files], lines }
}

/** The configuration on disk with its includes, main file first. Null where it cannot be read; a lost connection is not that. */
export async function readConfigIfPossible(
  session: NodeSession,
  main: string,
  limits: CallLimits,
): Promise<{ files: string[]; lines: ConfigLine[] } | null> {
  try {
    return await readConfig(session, main, limits)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code.startsWith('exec.')) return null
    throw thrown
  }
}
