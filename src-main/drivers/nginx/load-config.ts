import { AppError } from '../../app/app-error.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { parseConfig, type ParsedConfig } from '../../domain/nginx/parse-config.ts'
import { splitConfigDump } from '../../domain/nginx/split-config-dump.ts'
import { lastLine, run } from '../linux/run.ts'

/** How to call nginx so that it reads the configuration of the running master. */
export interface NginxCommand {
  binary: string
  prefix: string | null
  config: string | null
}

export interface LoadedConfig {
  /** absolute paths, main file first */
  files: string[]
  parsed: ParsedConfig
}

export const dumpArgv = (command: NginxCommand): [string, ...string[]] => nginxArgv(command, '-T')

/** nginx called so that it means the running master's configuration. */
export function nginxArgv(command: NginxCommand, ...what: string[]): [string, ...string[]] {
  return [
    command.binary,
    ...what,
    ...(command.prefix === null ? [] : ['-p', command.prefix]),
    ...(command.config === null ? [] : ['-c', command.config]),
  ]
}

/** What nginx says is wrong, with the place. */
export function complaintIn(stderr: string): string {
  return /^.*\[emerg\] (?:\d+#\d+: )?(.*)$/m.exec(stderr)?.[1] ?? lastLine(stderr)
}

/**
 * The configuration on disk, through `nginx -T` because only nginx expands its includes exactly. A configuration that does not
 * pass nginx's own test prints nothing at all (1.22.1), so it cannot be read this way. Needs root: throws `exec.not-permitted`.
 */
export async function loadConfig(session: NodeSession, command: NginxCommand, limits: CallLimits): Promise<LoadedConfig> {
  const argv = dumpArgv(command)
  const result = await run(session, argv, { ...limits, privileged: true, maxBytes: 64 * 1024 * 1024 })
  if (result.code === 127) {
    throw new AppError('exec.not-found', `${command.binary} is not on this node any more: probe the node again.`)
  }
  const files = splitConfigDump(result.stdout.toString('utf8'))
  if (result.code !== 0 || files.length === 0) {
    const place = complaintIn(result.stderr)
    throw new AppError(
      'config.parse-failed',
      `nginx's configuration on disk does not pass its own test, so its pools cannot be read: ${place}. Correct it; the running nginx is not affected until it reloads.`,
      { details: { stderr: result.stderr.slice(0, 4096) } },
    )
  }
  return { files: files.map((file) => file.path), parsed: parseConfig(files) }
}
