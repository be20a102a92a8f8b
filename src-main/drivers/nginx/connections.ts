import { AppError } from '../../app/app-error.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { connectionFilter, exactFilter, parseConnections, type Connection } from '../../domain/nginx/parse-ss.ts'
import { parseStubStatus, type StubStatus } from '../../domain/nginx/stub-status.ts'
import type { UpstreamServer } from '../../domain/nginx/upstreams.ts'
import { run, runScript } from '../linux/run.ts'

/** Fixed, so that a sudo rule can name it. The filter comes by stdin and runs in the kernel. */
export const ssArguments = ['-Htnp', 'state', 'established', '-F', '-'] as const

/** Established connections to the servers of `upstreams`, whoever holds them. Null: they cannot be listed here. */
export async function listConnections(
  session: NodeSession,
  ss: string,
  upstreams: readonly { servers: readonly Pick<UpstreamServer, 'endpoint'>[] }[],
  limits: CallLimits,
): Promise<Connection[] | null> {
  const endpoints = upstreams.flatMap((upstream) => upstream.servers.flatMap((server) => server.endpoint ?? []))
  if (endpoints.length === 0) return []
  try {
    const result = await run(session, [ss, ...ssArguments], {
      ...limits,
      privileged: true,
      stdin: connectionFilter(endpoints),
      maxBytes: 64 * 1024 * 1024,
    })
    // Without privilege or without ss there are no figures; the rest of the reading stands.
    return result.code === 0 ? parseConnections(result.stdout.toString('utf8')) : null
  } catch (thrown) {
    if (thrown instanceof AppError && (thrown.code === 'exec.not-permitted' || thrown.code === 'exec.not-found')) return null
    throw thrown
  }
}

/** Ends exactly these connections. False: this node's kernel cannot (CONFIG_INET_DIAG_DESTROY), or its `ss` cannot. */
export async function endConnections(
  session: NodeSession,
  ss: string,
  connections: readonly Connection[],
  limits: CallLimits,
): Promise<boolean> {
  const options = { ...limits, privileged: true, stdin: exactFilter(connections), maxBytes: 4 * 1024 * 1024 }
  const { code, stderr } = await run(session, [ss, '-K', ...ssArguments], options)
  return code === 0 && !/not supported/i.test(stderr)
}

/** curl or wget, whichever the node has; proxies of the account's environment are not used. */
const fetchScript = `
if command -v curl >/dev/null 2>&1; then
  exec curl -gsS -m 1 --noproxy '*' --proto '=http,https' --max-filesize 65536 --url "$1"
elif command -v wget >/dev/null 2>&1; then
  http_proxy= https_proxy= exec wget -q -T 1 -O - "$1"
else
  exit 127
fi
`

/** Null: no such page, or nothing on the node to ask for it with. */
export async function readStubStatus(session: NodeSession, url: string, limits: CallLimits): Promise<StubStatus | null> {
  const result = await runScript(session, fetchScript, [url], { ...limits, maxBytes: 64 * 1024 })
  return result.code === 0 ? parseStubStatus(result.stdout.toString('utf8')) : null
}
