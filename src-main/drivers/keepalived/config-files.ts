import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { VrrpReading } from '../../domain/fleet/reading.ts'
import { differsFromDaemon } from '../../domain/keepalived/differs-from-daemon.ts'
import { includesOf, instancesOf, linesOf } from '../../domain/keepalived/parse-config.ts'
import { readConfigFiles } from '../linux/config-files.ts'

/**
 * keepalived reloads in the same process, whose age therefore says little: a file that is newer may have been loaded since. What the
 * daemon says of its instances decides where it differs from the file; where it does not, or where the file has conditions that only the
 * daemon resolves, it stays open.
 */
export async function readKeepalivedFiles(
  session: NodeSession,
  config: string,
  reading: VrrpReading | null,
  limits: CallLimits,
): Promise<ConfigFileReading[]> {
  const roots = {
    paths: [config],
    includesOf: (path: string, text: string) => includesOf(linesOf(path, text)),
    uptimeS: reading?.running === true ? reading.uptimeS : null,
  }
  const files = await readConfigFiles(session, roots, limits)
  const lines = files.flatMap(({ path, bytes }) => (bytes === null ? [] : linesOf(path, bytes.toString('utf8'))))
  const isPlain = files.every(({ error }) => error === null) && !lines.some(({ words }) => /^[@$~]/.test(words[0] ?? ''))
  const differs = reading?.daemonAnswered === true && isPlain && differsFromDaemon(instancesOf(lines), reading.instances)
  return files.map((file) => (file.loaded === 'not-loaded' ? { ...file, loaded: differs ? 'not-loaded' : 'unknown' } : file))
}
