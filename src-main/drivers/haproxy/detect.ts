import type { ProbeFinding, ServiceOverrides } from '#contract'
import type { Detected, NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { mayEditFiles } from '../linux/may-edit.ts'
import { run, runScript } from '../linux/run.ts'
import { currentWorker, storedEndpoints } from './endpoints.ts'
import * as finding from './findings.ts'
import { readConfig, type ReadConfig } from './read-config.ts'
import { findInstances, listProcesses, type HaproxyProcess } from './processes.ts'
import { levelRank, trySocket, type ReachedSocket } from './try-socket.ts'
import type { RuntimeSockets } from './runtime-socket.ts'

/** A login without privilege has no sbin in its PATH. */
const locateScript = 'PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin:/opt/haproxy/sbin"; command -v haproxy || true'
const packagedConfig = '/etc/haproxy/haproxy.cfg'

export async function detectHaproxy(
  sockets: RuntimeSockets,
  session: NodeSession,
  facts: NodeFacts,
  overrides: ServiceOverrides,
  limits: CallLimits,
): Promise<Detected | null> {
  const [processes, located] = await Promise.all([
    listProcesses(session, limits),
    runScript(session, locateScript, [], { ...limits, maxBytes: 16 * 1024 }),
  ])
  const given = overrides.haproxy ?? {}
  const instances = findInstances(processes)
  const instance = chooseInstance(instances, given.config) ?? null
  const binary = binaryOf(instance) ?? located.stdout.toString('utf8').trim()
  if (binary === '' && instance === null) return null

  const paths = given.config ?? (instance === null ? [packagedConfig] : instance.commandLine.configFiles)
  const config = await readConfig(session, facts, paths, limits)
  const masterPath = given.masterSocket ?? instance?.commandLine.masterSocket ?? null
  const stats = given.socket === undefined ? config.sockets.map(({ path }) => path) : [given.socket]
  const tried =
    instance === null
      ? { socket: null, master: null, findings: [] }
      : await trySockets(sockets, session, facts, { stats, masterPath, config }, limits)
  const endpoints = {
    runtime: tried.socket?.target ?? notTried(stats[0]),
    master:
      tried.master === null
        ? instance === null
          ? notTried(masterPath ?? undefined)
          : null
        : { ...tried.master.target, prefix: '' },
  }
  return {
    service: {
      kind: 'haproxy',
      version: tried.socket?.version ?? (await readVersion(session, binary, limits)) ?? 'unknown',
      pid: tried.socket?.pid ?? instance?.pid ?? null,
      running: instance !== null,
      configFiles: config.files,
      endpoints: {
        ...(binary === '' ? {} : { binary }),
        ...((await mayEditFiles(session, facts, limits)) ? { edit: 'yes' } : {}),
        // a folder is named to HAProxy as such, or it would not see a new file of it
        ...(paths.join() === config.files.join() ? {} : { configPaths: paths.join('\n') }),
        ...storedEndpoints(endpoints),
      },
      privilege: tried.socket?.level ?? 'none',
    },
    findings: [
      ...(instance === null ? [whyNone(facts, instances, given.config)] : []),
      ...(instances.length > 1 && given.config === undefined
        ? [
            finding.severalInstances(
              instances.map(({ pid }) => pid),
              instance?.pid ?? 0,
            ),
          ]
        : []),
      ...config.findings,
      ...tried.findings,
    ],
  }
}

/** The one that was started with the files the operator named, else the oldest of root's. */
function chooseInstance(
  instances: readonly HaproxyProcess[],
  config: readonly string[] | undefined,
): HaproxyProcess | undefined {
  if (config === undefined) return instances[0]
  return instances.find(({ commandLine }) => config.every((path) => commandLine.configFiles.includes(path)))
}

function whyNone(facts: NodeFacts, instances: readonly HaproxyProcess[], config: readonly string[] = []): ProbeFinding {
  if (instances.length === 0) return finding.notRunning(facts)
  return finding.notWithThisConfig(
    instances.map(({ pid }) => pid),
    config,
  )
}

/** Only what root started is run: anyone may call a program `haproxy`. */
function binaryOf(instance: HaproxyProcess | null): string | null {
  return instance?.userId === 0 ? instance.binary : null
}

/** A socket of a daemon that does not run: kept, so that it is used as soon as it does. */
const notTried = (path: string | undefined) => (path === undefined ? null : { path, prefix: '', privileged: false })

interface Candidates {
  stats: readonly string[]
  masterPath: string | null
  config: ReadConfig
}

interface TriedSockets {
  socket: ReachedSocket | null
  master: ReachedSocket | null
  findings: ProbeFinding[]
}

/** The best stats socket that answers; the master's socket in its place where it allows more. */
async function trySockets(
  sockets: RuntimeSockets,
  session: NodeSession,
  facts: NodeFacts,
  { stats, masterPath, config }: Candidates,
  limits: CallLimits,
): Promise<TriedSockets> {
  const findings: ProbeFinding[] = []
  let best: ReachedSocket | null = null
  for (const path of stats) {
    const outcome = await trySocket(sockets, session, facts, { path, prefix: '' }, limits)
    if (outcome.reached === null)
      findings.push(
        finding.socketNotUsable(
          outcome.why,
          facts,
          config.sockets.find((one) => one.path === path),
          path,
        ),
      )
    else if (best === null || levelRank(outcome.reached.level) > levelRank(best.level)) best = outcome.reached
    if (best?.level === 'admin') break
  }
  let master: ReachedSocket | null = null
  if (masterPath === null) findings.push(finding.masterSocketMissing(facts, config.masterWorker))
  else {
    const outcome = await trySocket(sockets, session, facts, { path: masterPath, prefix: currentWorker }, limits)
    master = outcome.reached
    if (outcome.reached === null) findings.push(finding.masterNotUsable(outcome.why, facts, masterPath))
  }
  if (master !== null && (best === null || levelRank(master.level) > levelRank(best.level))) best = master
  // A second socket that cannot be used is of no interest once one gives everything.
  if (best?.level === 'admin')
    return { socket: best, master, findings: findings.filter(({ rule }) => !rule.startsWith('haproxy.socket-')) }
  if (stats.length === 0) findings.push(finding.socketMissing(config.globalFile))
  else if (best !== null)
    findings.push(
      finding.levelTooLow(
        best,
        config.sockets.find(({ path }) => path === best.target.path),
        config.globalFile,
      ),
    )
  return { socket: best, master, findings }
}

/** `HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/` (`HA-Proxy version` before 2.4) */
async function readVersion(session: NodeSession, binary: string, limits: CallLimits): Promise<string | null> {
  if (binary === '') return null
  const result = await run(session, [binary, '-v'], { ...limits, maxBytes: 64 * 1024 })
  return /^HA-?Proxy version (\S+)/m.exec(result.stdout.toString('utf8'))?.[1] ?? null
}
