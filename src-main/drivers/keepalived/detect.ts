import type { ProbeFinding, ServiceOverrides } from '#contract'
import type { Detected, NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { instancesOf } from '../../domain/keepalived/parse-config.ts'
import { startOptionsFrom } from '../../domain/keepalived/parse-argv.ts'
import { listProcesses, type NodeProcess } from '../linux/processes.ts'
import { runScript, sectionsFrom } from '../linux/run.ts'
import { defaultPidFile } from './ask-daemon.ts'
import { readConfigIfPossible } from './read-config.ts'

export const defaultConfig = '/etc/keepalived/keepalived.conf'

/** `keepalived -v` and `--signum=JSON` of the installed program. `-v` answers on stderr. */
const versionScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin"
binary=$(command -v keepalived) || exit 0
printf 'binary\\0%s\\0' "$binary"
printf 'version\\0'; "$binary" -v 2>&1; printf '\\0'
printf 'json\\0'; "$binary" --signum=JSON 2>/dev/null; printf '\\0'
`

export async function detectKeepalived(
  session: NodeSession,
  facts: NodeFacts,
  overrides: ServiceOverrides,
  limits: CallLimits,
): Promise<Detected | null> {
  const [processes, installed] = await Promise.all([
    listProcesses(session, ['keepalived'], limits),
    runScript(session, versionScript, [], { ...limits, maxBytes: 64 * 1024 }),
  ])
  const sections = sectionsFrom(installed.stdout)
  const daemon = parentOf(processes)
  if (!sections.has('binary') && daemon === null) return null

  const options = daemon === null ? null : startOptionsFrom(daemon.cmdline)
  const config = overrides.keepalived?.config ?? options?.config ?? defaultConfig
  const pidFile = overrides.keepalived?.pidFile ?? options?.pidFile ?? defaultPidFile
  const permitted = facts.sudo === 'root' || facts.sudo === 'available'
  const read = permitted ? await readConfigIfPossible(session, config, limits) : null
  const findings: ProbeFinding[] = []
  if (!permitted) findings.push(notPermitted(facts.user))
  if (daemon === null) findings.push(notRunning())
  if (!/^\d+$/m.test(sections.get('json') ?? '')) findings.push(withoutJson())
  if (permitted && read === null) findings.push(unreadable(config))
  if (read !== null && instancesOf(read.lines).length === 0) findings.push(withoutInstances(config))
  return {
    service: {
      kind: 'keepalived',
      version: /^Keepalived v(\S+)/m.exec(sections.get('version') ?? '')?.[1] ?? 'unknown',
      pid: daemon?.pid ?? null,
      running: daemon !== null,
      configFiles: read?.files ?? [config],
      endpoints: { binary: sections.get('binary') ?? 'keepalived', config, pidFile },
      privilege: facts.sudo === 'root' ? 'root' : facts.sudo === 'available' ? 'sudo' : facts.user,
    },
    findings,
  }
}

/** The process that forked the others; the oldest one where there are several daemons. */
function parentOf(processes: readonly NodeProcess[]): NodeProcess | null {
  const own = processes.filter((process) => process.isRoot)
  const pids = new Set(own.map((process) => process.pid))
  return own.filter((process) => !pids.has(process.parentPid)).sort((one, other) => other.uptimeS - one.uptimeS)[0] ?? null
}

const notPermitted = (user: string): ProbeFinding => ({
  severity: 'error',
  rule: 'keepalived.not-permitted',
  message: `The account ${user} may not ask keepalived for its state: it takes signals to a root process and files that only root may read.`,
  fix: { where: '/etc/sudoers.d/evenkeel', line: `${user} ALL=(root) NOPASSWD: ALL` },
})

const notRunning = (): ProbeFinding => ({
  severity: 'warning',
  rule: 'keepalived.not-running',
  message: 'keepalived is installed but does not run: this node takes no virtual address over.',
  fix: null,
})

const withoutJson = (): ProbeFinding => ({
  severity: 'info',
  rule: 'keepalived.no-json',
  message:
    'keepalived was built without JSON output: its state is read from the text dump, whose format may change, and without counters.',
  fix: null,
})

const unreadable = (config: string): ProbeFinding => ({
  severity: 'warning',
  rule: 'keepalived.config-unreadable',
  message: `${config} or one of its includes cannot be read: while keepalived does not answer, nothing is known of its instances.`,
  fix: null,
})

const withoutInstances = (config: string): ProbeFinding => ({
  severity: 'info',
  rule: 'keepalived.no-instances',
  message: `${config} defines no vrrp_instance.`,
  fix: null,
})
