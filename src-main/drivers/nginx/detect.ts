import type { ProbeFinding, ServiceOverrides } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Detected, NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { findStubStatusUrl } from '../../domain/nginx/stub-status.ts'
import { masterCommandFrom, workersOf, type NginxProcess } from '../../domain/nginx/worker-generations.ts'
import { mayEditFiles } from '../linux/may-edit.ts'
import { run, runScript, sectionsFrom } from '../linux/run.ts'
import { readStubStatus, ssArguments } from './connections.ts'
import { dumpArgv, loadConfig, type LoadedConfig, type NginxCommand } from './load-config.ts'
import { listNginxProcesses } from './processes.ts'

/** $1: the binary named by the operator, or empty. A login without privilege has no sbin in its PATH. */
const locateScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin:/usr/local/nginx/sbin:/usr/local/openresty/nginx/sbin"
printf 'nginx\\0'; command -v "\${1:-nginx}" || [ -z "$1" ] || printf '%s' "$1"; printf '\\0'
printf 'ss\\0'; command -v ss; printf '\\0'
`

/** $1: seconds a worker has been running, further arguments: configuration files. Prints those that changed since it started. */
const changedSinceScript = `
started=$(( $(date +%s) - $1 + 1 )); shift
for file; do
  changed=$(stat -L -c %Y "$file" 2>/dev/null) || continue
  if [ "$changed" -gt "$started" ]; then printf '%s\\0' "$file"; fi
done
`

/** The endpoints of a probe, which are all that is kept of it. */
export function commandFrom(endpoints: Readonly<Record<string, string>>): NginxCommand {
  return {
    binary: endpoints['binary'] ?? 'nginx',
    prefix: endpoints['prefix'] ?? null,
    config: endpoints['config'] ?? null,
  }
}

export async function detectNginx(
  session: NodeSession,
  facts: NodeFacts,
  overrides: ServiceOverrides,
  limits: CallLimits,
): Promise<Detected | null> {
  const [processes, located] = await Promise.all([
    listNginxProcesses(session, limits),
    runScript(session, locateScript, [overrides.nginx?.binary ?? ''], { ...limits, maxBytes: 16 * 1024 }),
  ])
  const paths = sectionsFrom(located.stdout)
  const master = processes.masters[0] ?? null
  const started = master === null ? null : masterCommandFrom(master.title)
  const startedBinary = started?.binary.startsWith('/') === true ? started.binary : null
  const binary = overrides.nginx?.binary ?? startedBinary ?? paths.get('nginx')?.trim() ?? ''
  if (binary === '') return null
  const build = await readVersion(session, binary, limits)
  if (build === null) return null

  const command = { binary, prefix: started?.prefix ?? null, config: overrides.nginx?.config ?? started?.config ?? null }
  const ss = paths.get('ss')?.trim() || 'ss'
  const findings: ProbeFinding[] = []
  if (master === null) findings.push(notRunning(processes.foreignMasters.length > 0))
  if (processes.masters.length > 1) findings.push(severalMasters(processes.masters))
  if (facts.sudo === 'absent' || facts.sudo === 'denied') findings.push(notPermitted(facts.user, command, ss))
  const config = await configOrFinding(session, facts, command, ss, limits, findings)
  const mayEdit = config !== null && (await mayEditFiles(session, facts, limits))
  const statusUrl = overrides.nginx?.stubStatusUrl ?? (config === null ? null : findStubStatusUrl(config.parsed.directives))
  if (config !== null && master !== null) {
    const worker = workersOf(master.pid, processes.all).find((process) => process.generation === 'current')
    if (worker !== undefined) findings.push(...(await newerThanWorkers(session, worker.uptimeS ?? 0, config.files, limits)))
    findings.push(...(await statusFindings(session, statusUrl, limits)))
  }
  return {
    service: {
      kind: 'nginx',
      version: build.version,
      pid: master?.pid ?? null,
      running: master !== null,
      configFiles: config?.files ?? [command.config ?? build.configPath].filter((path) => path !== ''),
      endpoints: {
        binary,
        ss,
        ...(mayEdit ? { edit: 'yes' } : {}),
        ...(command.prefix === null ? {} : { prefix: command.prefix }),
        ...(command.config === null ? {} : { config: command.config }),
        ...(statusUrl === null ? {} : { stubStatus: statusUrl }),
      },
      privilege: facts.sudo === 'root' ? 'root' : facts.sudo === 'available' ? 'sudo' : facts.user,
    },
    findings,
  }
}

/** `nginx -V` on stderr; null when that is not nginx at all. Runs as the account itself. */
export async function readVersion(
  session: NodeSession,
  binary: string,
  limits: CallLimits,
): Promise<{ version: string; configPath: string } | null> {
  const result = await run(session, [binary, '-V'], { ...limits, maxBytes: 64 * 1024 })
  const version = /^nginx version: \S+?\/(\S+)/m.exec(result.stderr)?.[1]
  if (version === undefined) return null
  return { version, configPath: /--conf-path=(\S+)/.exec(result.stderr)?.[1] ?? '' }
}

async function configOrFinding(
  session: NodeSession,
  facts: NodeFacts,
  command: NginxCommand,
  ss: string,
  limits: CallLimits,
  findings: ProbeFinding[],
): Promise<LoadedConfig | null> {
  try {
    const config = await loadConfig(session, command, limits)
    findings.push(
      ...config.parsed.problems.map(({ file, line, message }): ProbeFinding => ({
        severity: 'warning',
        rule: 'nginx.config-not-understood',
        message: `${file}:${line}: ${message}. Pools behind this place may be missing.`,
        fix: null,
      })),
    )
    return config
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    if (thrown.code === 'config.parse-failed') {
      findings.push({ severity: 'error', rule: 'nginx.config-broken', message: thrown.message, fix: null })
    } else if (thrown.code === 'exec.not-permitted') {
      if (!findings.some((finding) => finding.rule === 'nginx.not-permitted'))
        findings.push(notPermitted(facts.user, command, ss))
    } else throw thrown
    return null
  }
}

function notPermitted(user: string, command: NginxCommand, ss: string): ProbeFinding {
  const commands = [dumpArgv(command), [ss, ...ssArguments]].map((argv) => argv.map(escapeForSudoers).join(' '))
  return {
    severity: 'error',
    rule: 'nginx.not-permitted',
    message: `The account ${user} may not read nginx's configuration and its workers' connections on this node.`,
    fix: { where: '/etc/sudoers.d/evenkeel', line: `${user} ALL=(root) NOPASSWD: ${commands.join(', ')}` },
  }
}

/** sudoers(5): these characters of a command's arguments need a backslash. */
const escapeForSudoers = (text: string): string => text.replace(/[\\,:=*?[\]!\s"'#]/g, '\\$&')

function notRunning(foreign: boolean): ProbeFinding {
  return {
    severity: foreign ? 'error' : 'warning',
    rule: foreign ? 'nginx.master-not-root' : 'nginx.not-running',
    message: foreign
      ? "nginx's master process does not run as root; it is not observed, because its binary and configuration could be anyone's."
      : 'nginx is installed but does not run.',
    fix: null,
  }
}

function severalMasters(masters: readonly NginxProcess[]): ProbeFinding {
  return {
    severity: 'warning',
    rule: 'nginx.several-masters',
    message: `${masters.length} nginx master processes run here (${masters.map((master) => master.pid).join(', ')}); only the oldest is observed.`,
    fix: null,
  }
}

async function newerThanWorkers(
  session: NodeSession,
  workerUptimeS: number,
  files: readonly string[],
  limits: CallLimits,
): Promise<ProbeFinding[]> {
  const result = await runScript(session, changedSinceScript, [String(workerUptimeS), ...files], {
    ...limits,
    maxBytes: 1024 * 1024,
  })
  const changed = result.stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '')
  if (changed.length === 0) return []
  return [
    {
      severity: 'warning',
      rule: 'nginx.config-newer-than-workers',
      message: `${changed.join(', ')} changed after nginx loaded its configuration: the pools shown are those on disk, which the running nginx may not have yet.`,
      fix: null,
    },
  ]
}

async function statusFindings(session: NodeSession, url: string | null, limits: CallLimits): Promise<ProbeFinding[]> {
  if (url !== null && (await readStubStatus(session, url, limits)) !== null) return []
  return [
    {
      severity: 'info',
      rule: url === null ? 'nginx.status-page-missing' : 'nginx.status-page-unreadable',
      message:
        url === null
          ? 'nginx has no status page, so its requests per second are not shown.'
          : `The status page ${url} does not answer on the node itself, so nginx's requests per second are not shown.`,
      fix: {
        where: "nginx's configuration, in a server of its own in http { }",
        line: 'server { listen 127.0.0.1:8089; location = /stub_status { stub_status; allow 127.0.0.1; deny all; } }',
      },
    },
  ]
}
