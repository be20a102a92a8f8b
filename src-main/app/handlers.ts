import { contract, type CallName, type NodeId } from '#contract'
import { parseConfigText } from '../domain/config-outline/parse-config-text.ts'
import { lintFiles } from '../domain/lint/lint-files.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import type { ConfigService } from './config-service.ts'
import type { ConfigMirror } from './config-mirror.ts'
import type { ConfigVersions } from './config-versions.ts'
import type { DraftService } from './drafts/draft-service.ts'
import type { DrainService } from './drains/drain-service.ts'
import type { JudgeReadiness } from './drills/readiness.ts'
import type { DrillSchedules } from './drills/drill-schedules.ts'
import type { DrillService } from './drills/drill-service.ts'
import type { FleetService } from './fleet-service.ts'
import type { HandoverService } from './handover-service.ts'
import type { CallContext, Handlers } from './handlers-type.ts'
import type { HistoryService } from './history-service.ts'
import type { HostService } from './host-service.ts'
import type { InventoryService } from './inventory-service.ts'
import type { JobRunner } from './jobs/job-runner.ts'
import type { OperationsService } from './operations-service.ts'
import type { Poller } from './poller.ts'
import type { NodeSessions } from './ports/node-session.ts'
import type { Vault } from './ports/vault.ts'
import type { PracticeService } from './practice-service.ts'
import type { ProbeService } from './probe-service.ts'
import { isSignedBy } from './report-signer.ts'
import { carryChange } from './members/carry-change.ts'
import { memberValues } from './members/member-values.ts'
import { mergeTexts } from './pushes/merge-texts.ts'
import type { PushService } from './pushes/push-service.ts'
import type { SettingsService } from './settings-service.ts'
import type { TrustedKeysService } from './trusted-keys-service.ts'
import type { Watchers } from './watchers.ts'

export interface Services {
  host: HostService
  watchers: Watchers
  fleet: FleetService
  poller: Poller
  inventory: InventoryService
  probes: ProbeService
  sessions: NodeSessions
  trustedKeys: TrustedKeysService
  vault: Vault
  operations: OperationsService
  drains: DrainService
  readiness: JudgeReadiness
  config: ConfigService
  versions: ConfigVersions
  pushes: PushService
  handovers: HandoverService
  drills: DrillService
  schedules: DrillSchedules
  drafts: DraftService
  practice: PracticeService
  jobs: () => JobRunner
  history: HistoryService
  settings: SettingsService
  mirror: ConfigMirror
  /** what never changes while the process runs */
  about: Pick<HostFacts, 'version' | 'shell' | 'platform' | 'user' | 'dataFolder'>
}

interface HostFacts {
  version: string
  shell: CallContext['caller']['shell']
  platform: string
  user: string
  dataFolder: string
}

/** Commands that a viewer may give too: they change nothing that is kept, and nothing on a node that is not there to be troubled. */
const viewerCommands: ReadonlySet<CallName> = new Set([
  'host.watch',
  'fleet.refresh',
  'node.probe',
  'vault.unlock',
  'practice.do',
  'practice.revert',
  // whoever sees a drill may end it; the process that carries it out does
  'drills.stop',
  'drills.stopAll',
  // a schedule is a document; who may change things keeps it
  'drills.schedule',
  'drills.unschedule',
])

/** How long an operator who asked waits for a node, dialling included. */
const probeTimeoutMs = 45_000

export function createHandlers(services: Services): Handlers {
  const { host, watchers, fleet, poller, inventory, probes, sessions, trustedKeys, vault, operations, drains, jobs } = services
  const { practice, history, settings, about, config, drafts, pushes, handovers, drills } = services

  const handlers: Handlers = {
    'host.describe': async () => ({
      product: 'Evenkeel',
      ...about,
      lease: host.lease(),
      can: {
        windowControls: about.shell === 'desktop',
        systemVault: (await vault.status()).provider === 'system',
        readSshConfig: true,
      },
    }),
    'host.watch': async ({ visible }, { connection }) => answer(() => watchers.watch(connection, visible)),

    'fleet.snapshot': async () => fleet.snapshot(),
    'fleet.refresh': async ({ node }, { signal }) => {
      if (node !== undefined) inventory.requireNode(node)
      await poller.refresh(node ?? null, signal)
      return {}
    },
    'fleet.totals': async ({ from, to, points }) => fleet.totals(from, to, points),
    'fleet.serverSeries': async ({ server, from, to, points }) => fleet.serverSeries(server, from, to, points),
    'fleet.serverStates': async ({ server, from, to }) => fleet.serverStates(server, from, to),

    'inventory.get': async () => inventory.current(),
    'inventory.putNode': async ({ node, create }) => answer(() => inventory.putNode(node, create)),
    'inventory.removeNode': async ({ node }) => answer(() => inventory.removeNode(node)),
    'inventory.putSite': async (site) => answer(() => inventory.putSite(site)),
    'inventory.removeSite': async ({ site }) => answer(() => inventory.removeSite(site)),
    'inventory.putPair': async (pair) => answer(() => inventory.putPair(pair)),
    'inventory.removePair': async ({ pair }) => answer(() => inventory.removePair(pair)),
    'inventory.import': async ({ mode, dryRun, ...file }) => inventory.importFile(file, mode, dryRun),
    'inventory.export': async ({ format }) => ({ text: inventory.exportText(format) }),
    'inventory.sshHosts': async () => inventory.sshHosts(),

    'node.probe': async ({ node }, { signal }) => {
      inventory.requireNode(node)
      const limits = { signal, timeoutMs: probeTimeoutMs }
      const session = await sessions.session(node, { ...limits, force: true })
      const report = await probes.probe(node, session, limits)
      poller.wake()
      return report
    },
    'node.lastProbe': async ({ node }) => probes.lastProbe(inventory.requireNode(node).id),
    'node.trustHostKey': async (entry, { caller }) => answer(() => trustedKeys.trust(entry, caller.user)),
    'node.trustedKeys': async () => trustedKeys.list(),
    'node.forgetHostKey': async (entry) => answer(() => trustedKeys.forget(entry)),

    'vault.status': async () => vault.status(),
    'vault.unlock': async ({ passphrase }) => {
      await vault.unlock(passphrase)
      for (const { id } of inventory.current().nodes) retry(id, (code) => code.startsWith('vault.'))
      return vault.status()
    },
    'vault.changeKey': async ({ to, currentPassphrase }) => {
      await vault.changeKey(to, currentPassphrase)
      return vault.status()
    },
    'vault.putSecret': async ({ node, kind, value }) => {
      inventory.requireNode(node)
      await vault.put(node, kind, value)
      retry(node, () => true)
      return {}
    },
    'vault.removeSecret': async ({ node, kind }) => {
      if (!(await vault.remove(node, kind))) throw noSecret(node, kind)
      return {}
    },

    'server.planState': async (request, { signal }) => operations.plan(request, signal),
    'server.setState': async ({ reason, ...request }, { caller, signal }) => {
      drains.refuseAgainst(request.servers, request.nodes)
      return { jobId: await operations.setState(request, { requestedBy: requester(caller), reason: reason ?? null }, signal) }
    },

    'drain.plan': async (wish, { signal }) => drains.plan(wish, signal),
    'drain.start': async (input, { caller, signal }) => drains.start(input, requester(caller), signal),
    'drain.hold': async ({ drain }) => drains.hold(drain),
    'drain.resume': async ({ drain }) => drains.resume(drain),
    'drain.finishNow': async ({ drain }) => drains.finishNow(drain),
    'drain.putBack': async ({ drain }) => drains.putBack(drain),
    'drain.goOn': async ({ drain }) => drains.goOn(drain),
    'drain.stopHere': async ({ drain }) => drains.stopHere(drain),
    'drain.list': async (query) => drains.list(query),
    'drain.get': async ({ drain }) => drains.get(drain),

    'drills.readiness': async ({ router, fault }, { signal }) => services.readiness(router, fault, signal),

    'config.parse': async (file) => parseConfigText(file),
    'config.lint': async ({ files }) => lintFiles(files),
    'config.fetch': async ({ node, secrets }, { signal }) => config.fetch(node, secrets, signal),
    'config.versions': async (query) => services.versions.list(query),
    'config.merge': async ({ base, mine, theirs }) => {
      const text = mergeTexts(base, mine, theirs)
      if (text !== null) return { text }
      throw new AppError(
        'config.changed-on-node',
        'The draft and the file on the node have changed the same lines, or lines beside each other. Compare the two, and write what is meant.',
      )
    },
    'config.carry': async (texts) => carryChange(texts),
    'config.memberValues': async ({ one, other }) => memberValues(one, other),
    'config.mirror': async ({ folder }, { signal }) => services.mirror(folder, signal),
    'config.version': async ({ id }) => config.version(id),
    'config.diff': async ({ before, after }) => config.diff(before, after),
    'config.edit': async ({ files, intent }) => config.edit(files, intent),
    'draft.list': async () => drafts.list(),
    'draft.put': async (draft) => answer(() => drafts.put(draft)),
    'draft.discard': async ({ nodeId, path }) => answer(() => drafts.discard(nodeId, path)),

    'push.plan': async (request, { signal }) => pushes.plan(request, signal),
    'push.check': async (request, { signal }) => pushes.check(request, signal),
    'push.start': async ({ reason, ...request }, { caller, signal }) =>
      pushes.start(request, { author: requester(caller), reason }, signal),
    'push.planRollback': async ({ push, nodes }, { signal }) => pushes.planRollback(push, nodes, signal),
    'push.rollback': async ({ push, nodes, reason }, { caller, signal }) =>
      pushes.rollback(push, nodes, { author: requester(caller), reason }, signal),
    'vips.planMove': async ({ router, to }, { signal }) => handovers.plan(router, to, signal),
    'vips.moveBack': async ({ router, reason }, { caller, signal }) =>
      handovers.back(router, { author: requester(caller), reason }, signal),
    'push.stop': async ({ push }) => pushes.stop(push),
    'push.get': async ({ push }) => pushes.get(push),
    'push.list': async ({ limit }) => pushes.list(limit),
    'push.standing': async ({ nodes }, { signal }) => pushes.standing(nodes, signal),
    'push.settle': async ({ node, kind, id, how }, { caller, signal }) => {
      await pushes.settle({ nodeId: node, kind, id }, how, requester(caller), signal)
      return {}
    },

    'drills.catalogue': async ({ router }, { signal }) => drills.catalogue(router, signal),
    'drills.predict': async (wish, { signal }) => drills.predict(wish, signal),
    'drills.template': async (wish, { signal }) => ({ text: await drills.template(wish, signal) }),
    'drills.check': async ({ text }, { signal }) => drills.check(text, signal),
    'drills.start': async ({ text, reason }, { caller, signal }) =>
      drills.start(text, { author: requester(caller), reason }, signal),
    'drills.stop': async ({ drill }) => drills.stop(drill),
    'drills.stopAll': async () => drills.stopAll(),
    'drills.lever': async () => drills.lever(),
    'drills.setLever': async ({ blocked, reason }, { caller }) => drills.setLever(blocked, { by: requester(caller), reason }),
    'drills.list': async (query) => drills.list(query),
    'drills.get': async ({ drill }) => drills.get(drill),
    'drills.report': async ({ drill, format }) => drills.report(drill, format),
    'drills.reportPdf': async ({ drill }, { signal }) => {
      const { name, pdf } = await drills.reportPdf(drill, signal)
      return { name, base64: pdf.toString('base64') }
    },
    'drills.verify': async ({ text, signature }) => ({ valid: isSignedBy(text, signature) }),
    'drills.trend': async ({ router }) => drills.trend(router),
    'drills.schedules': async () => services.schedules.list(),
    'drills.schedule': async (request, { caller }) => services.schedules.add(request, requester(caller)),
    'drills.unschedule': async ({ schedule }) => answer(() => services.schedules.remove(schedule)),

    'practice.status': async (_none, { signal }) => practice.status(signal),
    'practice.open': async (size) => practice.open(size),
    'practice.close': async () => practice.close(),
    'practice.do': async (deed, { signal }) => practice.do(deed, signal),
    'practice.revert': async (repair, { signal }) => practice.revert(repair, signal),

    'job.list': async (query) => jobs().list(query),
    'job.get': async ({ job }) => jobs().get(job),
    'job.cancel': async ({ job }) => answer(() => jobs().cancel(job)),
    'job.undo': async ({ job }, { caller }) => ({
      jobId: (await drains.undo(job)) ?? jobs().undo(job, { requestedBy: requester(caller), reason: null }),
    }),

    'history.list': async (query) => history.list(query),

    'settings.get': async () => settings.current(),
    'settings.put': async (next) => settings.put(next),
  }
  return guarded(handlers, host)

  /** A node that gave up for a reason that has just gone is dialled again. */
  function retry(nodeId: NodeId, gone: (code: string) => boolean): void {
    const { error } = sessions.status(nodeId)
    if (error !== null && gone(appErrorFrom(error).code)) sessions.reset(nodeId)
    poller.wake()
  }
}

/** Every command that is not for viewers is refused while another shell drives. */
function guarded(handlers: Handlers, host: HostService): Handlers {
  const guards = Object.entries(handlers).map(([name, handler]) => {
    const call = name as CallName
    if (contract[call].kind !== 'command' || viewerCommands.has(call)) return [name, handler]
    // The pair of name and function stays what it was; only the check is put before it.
    const inner = handler as (input: unknown, context: CallContext) => Promise<unknown>
    const checked = async (input: unknown, context: CallContext): Promise<unknown> => {
      host.requireDriver()
      return inner(input, context)
    }
    return [name, checked]
  })
  return Object.fromEntries(guards) as Handlers
}

async function answer(work: () => void): Promise<Record<string, never>> {
  work()
  return {}
}

function requester({ user, shell }: CallContext['caller']): string {
  return `${user} (${shell})`
}

function noSecret(node: NodeId, kind: string): AppError {
  return new AppError('request.not-found', `No ${kind} is stored for node "${node}".`)
}
