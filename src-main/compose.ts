/** The only file that constructs things: it ties the services to the real transport, drivers, store and vault. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir, hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import type { JobId, NodeId, PracticeSize } from '#contract'
import { AppError, appErrorFrom } from './app/app-error.ts'
import { createDraftService } from './app/drafts/draft-service.ts'
import { createConfigMirror } from './app/config-mirror.ts'
import { createConfigService } from './app/config-service.ts'
import { createConfigVersions } from './app/config-versions.ts'
import { createDrainBook } from './app/drains/drain-book.ts'
import { createDrainJobs } from './app/drains/drain-jobs.ts'
import { createDrainKeeper } from './app/drains/drain-keeper.ts'
import { createDrainPlanner } from './app/drains/drain-planner.ts'
import { createDrainService } from './app/drains/drain-service.ts'
import { createDrainTimers } from './app/drains/drain-timers.ts'
import { tellDrains } from './app/drains/tell-drains.ts'
import { createDrillBook } from './app/drills/drill-book.ts'
import { createDrillJob } from './app/drills/drill-job.ts'
import { createDrillSchedules } from './app/drills/drill-schedules.ts'
import { createDrillService } from './app/drills/drill-service.ts'
import { parsePlan } from './app/drills/plan-file.ts'
import { createReadiness } from './app/drills/readiness.ts'
import { standsAgainstDrill } from './app/drills/stands-against.ts'
import { createEventHub } from './app/event-hub.ts'
import { createFleetRecorder } from './app/fleet-recorder.ts'
import { createFleetService } from './app/fleet-service.ts'
import { createFollower } from './app/follow-driver.ts'
import type { Handlers, Publish } from './app/handlers-type.ts'
import { createHandlers } from './app/handlers.ts'
import { createHandoverService } from './app/handover-service.ts'
import { createHistoryService } from './app/history-service.ts'
import { createHostService } from './app/host-service.ts'
import { createInventoryService } from './app/inventory-service.ts'
import { createJobRunner, type JobRunner } from './app/jobs/job-runner.ts'
import { createOperationsService } from './app/operations-service.ts'
import { createRestoreJob, createSetStateJob } from './app/operations/server-state.ts'
import type { AdminOf } from './app/operations/server-targets.ts'
import { createShutdownJob } from './app/operations/shutdown-sessions.ts'
import { createPoller } from './app/poller.ts'
import type { Clock } from './app/ports/clock.ts'
import type { Driver } from './app/ports/driver.ts'
import type { FaultAdmin } from './app/ports/fault-admin.ts'
import type { Log } from './app/ports/log.ts'
import type { NodeSessions } from './app/ports/node-session.ts'
import type { OpenPracticeFleet, PracticeFleet } from './app/ports/practice.ts'
import type { PrintPage } from './app/ports/print-page.ts'
import type { SshTargets } from './app/ports/ssh.ts'
import type { Cipher } from './app/ports/vault.ts'
import { createPracticeService } from './app/practice-service.ts'
import { createReportSigner } from './app/report-signer.ts'
import type { ServicesOf } from './app/pushes/parties.ts'
import { createPushJob } from './app/pushes/push-job.ts'
import { createPushPlanner } from './app/pushes/push-planner.ts'
import { createPushService } from './app/pushes/push-service.ts'
import { createMirrorKeeper } from './app/keep-mirror.ts'
import { createProbeService, type ProbeNodeFacts } from './app/probe-service.ts'
import { createSettingsService } from './app/settings-service.ts'
import { tellRecovery } from './app/tell-recovery.ts'
import { createTrustedKeysService } from './app/trusted-keys-service.ts'
import { createVault } from './app/vault.ts'
import { createWatchers } from './app/watchers.ts'
import { dataFolderFrom } from './data-folder.ts'
import { createNodeEvidence } from './drivers/linux/node-evidence.ts'
import { createFaultAdmin } from './drivers/linux/faults/fault-admin.ts'
import { probeNodeFacts } from './drivers/linux/node-facts.ts'
import { createDrivers } from './drivers/registry.ts'
import { keepHeapLean } from './lean-heap.ts'
import { createLog } from './log.ts'
import { hostFleet } from './practice/fleet-host.ts'
import { startNodeProcess, type StartProcess } from './practice/own-process.ts'
import { createRecorder } from './recorder/create-recorder.ts'
import { createGitMirror } from './store/git-mirror.ts'
import { openStore } from './store/open-store.ts'
import { systemClock } from './system-clock.ts'
import { reachesFromConsole } from './transport/console-reach.ts'
import { postJson } from './transport/post-json.ts'
import { createHostKeyPolicy } from './transport/ssh/host-key-policy.ts'
import { createNodeSessions } from './transport/ssh/node-sessions.ts'
import { createSshConfigReader } from './transport/ssh/ssh-config.ts'
import { readTextIfPresent } from './transport/ssh/text-file.ts'
import { createFolderCipher } from './vault/folder-cipher.ts'

export type ShellName = 'desktop' | 'browser' | 'cli'

/** The application without a shell. */
export interface Console {
  readonly handlers: Handlers
  readonly log: Log
  readonly dataFolder: string
  onEvent(listener: Publish): () => void
  /** Begin to read the nodes, to beat the lease, and to finish jobs that an earlier process left. */
  start(): Promise<void>
  /** Let jobs reach a safe point, close connections and databases. */
  stop(): Promise<void>
}

export interface ComposeOptions {
  dataFolder: string
  shell: ShellName
  env: NodeJS.ProcessEnv
  home: string
  /** never drive the data folder, whoever else does: for commands that only read */
  lookOnly?: boolean
  /** keeps secrets on this platform; default: a key file in the data folder */
  cipher?: Cipher
  clock?: Clock
  log?: Log
  /** default: the user's and the system's own */
  knownHostsFiles?: readonly string[]
  /** default: nothing can be printed */
  printPage?: PrintPage
  /** how a program of ours becomes a process of its own; Node's way when it is left out */
  startProcess?: StartProcess
  /** stand-ins for what reaches out of the process, in tests */
  overrides?: {
    sessions?: (targets: SshTargets) => NodeSessions
    drivers?: readonly Driver[]
    probeNodeFacts?: ProbeNodeFacts
    random?: () => number
    faults?: FaultAdmin
    openPracticeFleet?: OpenPracticeFleet
  }
}

/** Planning a scheduled drill asks every member. */
const scheduledStartMs = 60_000

/** The application as a shell runs it: in the user's data folder, with the machine's own clock. */
export function composeFor(
  shell: ShellName,
  options: Pick<ComposeOptions, 'cipher' | 'lookOnly' | 'startProcess' | 'printPage'> = {},
): Promise<Console> {
  keepHeapLean()
  const home = homedir()
  return compose({ dataFolder: dataFolderFrom(process.env, process.platform, home), shell, env: process.env, home, ...options })
}

/** A practice fleet without a console around it; `folder` keeps its keys. */
export const openPracticeFleet = (folder: string, size: PracticeSize, ended: (why: string) => void): Promise<PracticeFleet> =>
  hostFleet({ folder, size, told: () => undefined, ended }, startNodeProcess)

export async function compose(options: ComposeOptions): Promise<Console> {
  const { dataFolder, shell, env, home, clock = systemClock, startProcess = startNodeProcess, overrides = {} } = options
  await mkdir(dataFolder, { recursive: true, mode: 0o700 })
  const log = options.log ?? createLog({ folder: dataFolder, shell })
  const { publish, onEvent } = createEventHub(log)
  const store = openStore({ folder: dataFolder, clock, log })

  const host = createHostService({
    lease: store.lease,
    self: await thisProcess(shell),
    lookOnly: options.lookOnly ?? false,
    isProcessAlive,
    clock,
    log,
    publish,
  })
  const isDriver = (): boolean => host.role() === 'driver'
  const history = createHistoryService(store.history, publish)
  const settings = createSettingsService(store.settings, publish)
  const sshConfig = createSshConfigReader({ home, env, readFile: readTextIfPresent })
  const inventory = createInventoryService({ repo: store.inventory, jobs: store.jobs, history, sshConfig, clock, publish })
  const cipher = options.cipher ?? createFolderCipher(dataFolder, env, { inUse: store.secrets.keysInUse() })
  const vault = createVault({ cipher, repo: store.secrets, clock })

  const targets: SshTargets = {
    target: (nodeId) => inventory.node(nodeId)?.ssh ?? null,
    secret: (nodeId, kind) => vault.get(nodeId, kind),
  }
  const hostKeys = createHostKeyPolicy({
    trusted: store.hostKeys,
    knownHostsFiles: options.knownHostsFiles ?? knownHostsFilesOf(home),
    readFile: readTextIfPresent,
  })
  const sessions = overrides.sessions?.(targets) ?? createNodeSessions({ targets, hostKeys, clock, log, home, env })

  const probes = createProbeService({
    drivers: overrides.drivers ?? [...createDrivers({ clock }).values()],
    probeNodeFacts: overrides.probeNodeFacts ?? probeNodeFacts,
    inventory,
    repo: store.inventory,
    mayWrite: isDriver,
    clock,
    log,
  })

  const busyJobs = new Set<string>()
  const watchers = createWatchers(() => paceChanged())
  const drainBook = createDrainBook({ repo: store.drains, history, clock, publish, isDriver })
  const isBusy = (): boolean => busyJobs.size > 0 || drainBook.open().length > 0
  const isPaused = (): boolean => settings.current().pauseWhenHidden && watchers.nobodyLooks() && !isBusy()
  const recorder = createFleetRecorder({ history, samples: store.samples, states: store.states, isDriver })
  const fleet = createFleetService({
    inventory,
    settings,
    sessions,
    recorder,
    samples: store.samples,
    states: store.states,
    isPaused,
    clock,
    log,
    publish,
  })
  const pollMs = (): number => settings.current().pollMs
  const poller = createPoller({
    sessions,
    probes,
    sink: tellDrains(
      tellRecovery(fleet, () => resumeJobs()),
      { look: (nodeId, kind) => drainKeeper.look(nodeId, kind), lost: (nodeId, why) => drainKeeper.lost(nodeId, why) },
    ),
    pollMs,
    isPaused,
    random: overrides.random ?? Math.random,
    clock,
    log,
  })

  const adminOf: AdminOf = async ({ nodeId, balancer }, signal) => {
    const session = await sessions.session(nodeId, { signal, timeoutMs: 10_000 })
    const limits = { signal, timeoutMs: 30_000 }
    if (probes.services(nodeId) === null) await probes.probe(nodeId, session, limits)
    const kind = balancer === 'haproxy' ? 'haproxy' : 'nginx'
    const service = probes.services(nodeId)?.find((each) => each.kind === kind)
    const admin = (balancer === 'nginx-stream' ? service?.streamAdmin : service?.serverAdmin) ?? null
    if (admin !== null) return { session, admin }
    throw new AppError(
      'daemon.runtime-rejected',
      kind === 'haproxy'
        ? `HAProxy on ${nodeId} has no stats socket of level admin that Evenkeel can use.`
        : `Evenkeel may not write the configuration of nginx on ${nodeId}: that takes root, or sudo for a shell.`,
    )
  }
  const servicesOf: ServicesOf = async (nodeId, signal) => {
    inventory.requireNode(nodeId)
    const session = await sessions.session(nodeId, { signal, timeoutMs: 10_000, force: true })
    const limits = { signal, timeoutMs: 30_000 }
    if (probes.services(nodeId) === null) await probes.probe(nodeId, session, limits)
    return { session, services: probes.services(nodeId) ?? [] }
  }
  const pairOf = (nodeId: NodeId) => inventory.current().pairs.find(({ nodes }) => nodes.includes(nodeId)) ?? null
  const lookAtNode = createNodeEvidence({ clock })
  const versions = createConfigVersions({ repo: store.versions, vault, isDriver, clock, log })
  const mirror = createConfigMirror({ versions, mirror: createGitMirror() })
  const mirrorKeeper = createMirrorKeeper({ mirror, settings, isDriver, clock, log })
  const config = createConfigService({ inventory, sessions, probes, versions, lookAtNode, clock })
  const pushJob = createPushJob({
    servicesOf,
    versions,
    clock,
    vantagesFor: (nodeId) =>
      (pairOf(nodeId)?.nodes ?? []).flatMap((name) =>
        name === nodeId
          ? []
          : [{ name, dial: async (...args) => (await servicesOf(name, args[2].signal)).session.openTcp(...args) }],
      ),
    onPhase: (push, nodeId, phase) => pushes.onPhase(push, nodeId, phase),
    onHealth: (push, nodeId, health) => pushes.onHealth(push, nodeId, health),
    mayBegin: (push, jobId) => pushes.mayBegin(push, jobId),
    isStopped: (push) => pushes.isStopped(push),
  })
  const signer = createReportSigner({ vault, log })
  const drillBook = createDrillBook({
    repo: store.drills,
    history,
    commandsOf: (id) => store.jobs.commands(id as string as JobId).map(({ record }) => record),
    sign: (text) => signer.sign(text),
    clock,
    publish,
  })
  const faults = overrides.faults ?? createFaultAdmin({ clock })
  const drillJob = createDrillJob({
    book: drillBook,
    faults,
    recorder: createRecorder({ clock }),
    postJson,
    servicesOf,
    fleet,
    isStopped: (id) => drills.isStopped(id),
    mayBegin: (id, jobId) => drills.mayBegin(id, jobId),
    clock,
    publish,
  })
  const newRunner = (): JobRunner =>
    createJobRunner({
      repo: store.jobs,
      definitions: [createSetStateJob(adminOf), createRestoreJob(adminOf), createShutdownJob(adminOf), pushJob, drillJob],
      history,
      clock,
      log,
      onChange(job) {
        const wasPaused = isPaused()
        // a job that waits for a node needs the reading that notices the node's return
        if (job.state === 'ended') busyJobs.delete(job.id)
        else busyJobs.add(job.id)
        fleet.noteJob(job)
        drainKeeper.noteJob(job)
        pushes.noteJob(job)
        publish('job.changed', job)
        if (wasPaused) return paceChanged()
        fleet.touch()
        // what it has done is seen at once, on its own nodes
        if (job.state === 'ended' && !isPaused()) poller.wake(job.steps.flatMap(({ nodeId }) => nodeId ?? []))
      },
    })
  let jobs = newRunner()
  const operations = createOperationsService({ fleet, adminOf, jobs: () => jobs })
  const pushes = createPushService({
    repo: store.pushes,
    planPush: createPushPlanner({
      servicesOf,
      versions,
      config,
      pairOf,
    }),
    servicesOf,
    versions,
    jobs: () => jobs,
    history,
    clock,
    log,
    publish,
  })
  const handovers = createHandoverService({ fleet, servicesOf, config, pushes })
  const readiness = createReadiness({ fleet, servicesOf, lookAtNode, clock })
  const drills = createDrillService({
    book: drillBook,
    repo: store.drills,
    fleet,
    servicesOf,
    faults,
    readiness,
    reachesFromConsole,
    printPage: options.printPage ?? null,
    jobs: () => jobs,
    clock,
    log,
    product: packageJson.version,
  })
  const schedules = createDrillSchedules({
    repo: store.schedules,
    parsePlan,
    standsAgainst: (plan) =>
      standsAgainstDrill(plan, fleet.snapshot(), drains.list({ open: true, limit: 500 }), pushes.list(50)),
    start: (text, by) => drills.start(text, by, AbortSignal.timeout(scheduledStartMs)),
    history,
    isDriver,
    clock,
    log,
  })
  const drainJobs = createDrainJobs({
    book: drainBook,
    jobs: () => jobs,
    row: (id) => store.jobs.get(id),
    unfinished: () => store.jobs.unfinished(),
  })
  const drainTimers = createDrainTimers(clock)
  const drainParts = { book: drainBook, timers: drainTimers, adminOf, drainJobs, fleet, inventory, isDriver, clock, log }
  const drainKeeper = createDrainKeeper({ ...drainParts, startNext: (drain) => drains.startNext(drain) })
  const drains = createDrainService({ ...drainParts, keeper: drainKeeper, planner: createDrainPlanner(drainParts) })

  const practice = createPracticeService({
    openFleet: overrides.openPracticeFleet ?? ((wanted) => hostFleet(wanted, startProcess)),
    folder: join(dataFolder, 'practice'),
    inventory,
    sessions,
    log,
    publish,
  })
  /** A command that is over in seconds starts no fleet; it would find one that has just begun to live. */
  const keepsPractice = shell !== 'cli'

  const trustedKeys = createTrustedKeysService({
    repo: store.hostKeys,
    history,
    clock,
    onTrusted() {
      for (const { id } of inventory.current().nodes) {
        const { error } = sessions.status(id)
        if (error !== null && appErrorFrom(error).code.startsWith('ssh.host-key-')) sessions.reset(id)
      }
      poller.wake()
    },
  })

  function paceChanged(): void {
    fleet.touch()
    if (!isPaused()) poller.wake()
  }
  function forgetNode(nodeId: NodeId): void {
    probes.forget(nodeId)
    void sessions.drop(nodeId)
  }
  const nodeIds = (): NodeId[] => inventory.current().nodes.map((node) => node.id)

  let started = false
  inventory.onChange(({ removed, readdress }) => {
    for (const nodeId of [...removed, ...readdress]) {
      forgetNode(nodeId)
      fleet.forget(nodeId)
      drainKeeper.look(nodeId)
    }
    fleet.touch()
    if (!started) return
    poller.setNodes(nodeIds())
    poller.wake()
  })
  settings.onChange(() => paceChanged())
  host.onViewerBeat(createFollower({ inventory, settings, history, jobs: () => jobs, drains, publish }))
  host.onRole((role) => {
    if (role === 'viewer') {
      busyJobs.clear()
      drainKeeper.letGo()
      void practice.letGo()
      void jobs.shutdown('lease-lost')
    } else {
      jobs = newRunner()
      jobs.resumeAll()
      pushes.takeUp()
      drills.takeUp()
      drainKeeper.takeUp()
      if (keepsPractice) practice.takeUp()
    }
  })
  // A job that waits goes on when its node or the daemon there can be asked again; asking for another one's sake is cheap.
  function resumeJobs(): void {
    if (started && isDriver()) jobs.resumeAll()
  }
  sessions.onStatus((_nodeId, { state }) => {
    if (state === 'connected') resumeJobs()
  })
  for (const job of store.jobs.list({ limit: 50 })) fleet.noteJob(job)

  const about = { version: packageJson.version, shell, platform: process.platform, user: userName(), dataFolder }
  const handlers = createHandlers({
    host,
    watchers,
    fleet,
    poller,
    inventory,
    probes,
    sessions,
    trustedKeys,
    vault,
    operations,
    drains,
    readiness,
    config,
    versions,
    pushes,
    handovers,
    drills,
    schedules,
    drafts: createDraftService({ repo: store.drafts, inventory, clock, publish }),
    practice,
    jobs: () => jobs,
    history,
    settings,
    mirror,
    about,
  })

  /** Drills and jobs first: they need the connections to reach a safe point. The lease goes last, when nothing is written any more. */
  async function shutDown(): Promise<void> {
    try {
      await mirrorKeeper.stop()
      await schedules.stop()
      await drills.shutDown()
      await jobs.shutdown('host-shutdown')
      await drainKeeper.stop()
      await poller.stop()
      await fleet.stop()
      await sessions.close()
      await practice.letGo()
    } finally {
      await host.stop()
      store.close()
    }
  }
  let stopping: Promise<void> | null = null

  return {
    handlers,
    log,
    dataFolder,
    onEvent,
    async start() {
      started = true
      host.start()
      fleet.start()
      poller.setNodes(nodeIds())
      // a command that is over in seconds begins nothing by itself
      if (shell !== 'cli') {
        schedules.watch()
        mirrorKeeper.watch()
      }
      if (!isDriver()) return
      jobs.resumeAll()
      pushes.takeUp()
      drills.takeUp()
      drainKeeper.takeUp()
      if (keepsPractice) practice.takeUp()
    },
    stop: () => (stopping ??= shutDown()),
  }
}

async function thisProcess(shell: ShellName): Promise<Parameters<typeof createHostService>[0]['self']> {
  return { hostId: randomUUID(), pid: process.pid, shell, host: hostname(), bootId: await bootId() }
}

/** Tells two boots of one machine apart, since process ids start again; Linux only, empty elsewhere. */
async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return '' // not Linux: the process id and the heartbeat have to do
  }
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function knownHostsFilesOf(home: string): string[] {
  const own = ['known_hosts', 'known_hosts2'].map((name) => join(home, '.ssh', name))
  return process.platform === 'win32' ? own : [...own, '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']
}

function userName(): string {
  return `${userInfo().username}@${hostname()}`
}
