import type { ProbeFinding, ServiceOverrides } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Detected, NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { instancesOf } from '../../domain/keepalived/parse-config.ts'
import { startOptionsFrom } from '../../domain/keepalived/parse-argv.ts'
import { mayEditFiles } from '../linux/may-edit.ts'
import { listProcesses } from '../linux/processes.ts'
import { rootScriptArgv, runScript, sectionsFrom } from '../linux/run.ts'
import { askDaemon, defaultPidFile, parentOf } from './ask-daemon.ts'
import { readConfigIfPossible } from './read-config.ts'

/** The privilege of an account that may not ask the daemon. */
export const kernelOnly = 'kernel only'

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
  const [refused, read] = await Promise.all([
    refusal(session, facts, pidFile, limits),
    readConfigIfPossible(session, config, limits),
  ])
  const findings: ProbeFinding[] = []
  if (refused !== null) findings.push(refused)
  if (daemon === null) findings.push(notRunning())
  if (!/^\d+$/m.test(sections.get('json') ?? '')) findings.push(withoutJson())
  if (read === null) findings.push(unreadable(config))
  if (read !== null && instancesOf(read.lines).length === 0) findings.push(withoutInstances(config))
  return {
    service: {
      kind: 'keepalived',
      version: /^Keepalived v(\S+)/m.exec(sections.get('version') ?? '')?.[1] ?? 'unknown',
      pid: daemon?.pid ?? null,
      running: daemon !== null,
      configFiles: read?.files ?? [config],
      endpoints: {
        binary: sections.get('binary') ?? 'keepalived',
        config,
        pidFile,
        ...(refused === null && (await mayEditFiles(session, facts, limits)) ? { edit: 'yes' } : {}),
      },
      privilege: refused !== null ? kernelOnly : facts.sudo === 'root' ? 'root' : 'sudo',
    },
    findings,
  }
}

/** Asks once, to find out whether sudo lets this account ask. Null: it may. */
async function refusal(
  session: NodeSession,
  facts: NodeFacts,
  pidFile: string,
  limits: CallLimits,
): Promise<ProbeFinding | null> {
  if (facts.sudo === 'root') return null
  if (facts.sudo === 'available') {
    try {
      await askDaemon(session, pidFile, limits)
      return null
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'exec.not-permitted') throw thrown
    }
  }
  return notPermitted(facts.user, pidFile)
}

const notPermitted = (user: string, pidFile: string): ProbeFinding => ({
  severity: 'warning',
  rule: 'keepalived.not-permitted',
  message: `The account ${user} may not ask keepalived for its state, which takes a signal to a root process and files that only root may read. Only the kernel's addresses are shown. The line below allows it; a shell as root is as much as all of root's rights.`,
  fix: { where: '/etc/sudoers.d/evenkeel', line: `${user} ALL=(root) NOPASSWD: /usr/bin/sh ${sudoersArguments(pidFile)}` },
})

/** sudoers(5): these characters of a command's arguments need a backslash. */
const sudoersArguments = (pidFile: string): string =>
  rootScriptArgv([pidFile])
    .slice(1)
    .map((word) => word.replace(/[\\,:=*?[\]!\s"'#]/g, '\\$&'))
    .join(' ')

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
