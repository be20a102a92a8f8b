/*
 * Whether a standby could take over: what was found out on the members, judged. A finding blocks when a takeover would be noticed by
 * clients, when the fault would move nothing, or when afterwards the pair would not be what it was; the rest is said beside it.
 */
import {
  readinessChecks,
  type ConfigChange,
  type ConfigText,
  type DrillPrediction,
  type DrillReadiness,
  type FaultKind,
  type NodeId,
  type ReadinessCheck,
  type ReadinessFinding,
  type RouterView,
  type ServiceKind,
} from '#contract'
import { semanticDiff } from '../config-diff/semantic-diff.ts'
import type { CheckProblem } from '../config-text/check-problem.ts'
import { lintFiles } from '../lint/lint-files.ts'
import { overlap, type Listener, type NodeNetwork } from '../net/endpoint.ts'
import { unseenByCheck } from '../net/unseen-by-check.ts'
import type { Needs } from './standby-needs.ts'

export interface MemberCertificate {
  path: string
  /** null: there is no certificate, or the file cannot be read */
  found: { subject: string; sha256: string; notBefore: number; notAfter: number } | null
}

/** One daemon of a member. */
export interface MemberService {
  kind: ServiceKind
  version: string
  /** why it does not serve; null: it does */
  stopped: string | null
  files: readonly { path: string; text: string | null; loaded: 'loaded' | 'not-loaded' | 'unknown'; error: string | null }[]
  /** what the daemon itself says of the files on disk; null: it could not be asked */
  problems: readonly CheckProblem[] | null
}

/** What was found out on a member. */
export interface MemberEvidence {
  nodeId: NodeId
  /** false: what only root may see was not looked at */
  asRoot: boolean
  services: readonly MemberService[]
  needs: Needs
  network: NodeNetwork
  /** in the order of `needs.backends`: why it cannot be reached, null where it can */
  reached: readonly (string | null)[] | 'unable'
  certificates: readonly MemberCertificate[]
  log: readonly string[]
  clock: { offsetMs: number; uncertaintyMs: number }
}

export interface ReadinessInput {
  router: RouterView
  fault: FaultKind
  at: number
  active: NodeId | null
  /** null: it could not be computed, as the members could not be read */
  prediction: DrillPrediction | null
  members: readonly (MemberEvidence | { nodeId: NodeId; unread: string })[]
}

type Finding = Omit<ReadinessFinding, 'check'>
type Rule = (input: Judged) => Finding[]

/** Everything that could be read, by its part in the takeover. */
interface Judged extends ReadinessInput {
  from: MemberEvidence | null
  standbys: readonly MemberEvidence[]
}

const expiresSoonMs = 14 * 24 * 3_600_000
const clocksApartMs = 1000
const clocksUselessMs = 60_000

export function judgeReadiness(input: ReadinessInput): DrillReadiness {
  const { router, fault, at, active, members } = input
  const read = members.filter((member): member is MemberEvidence => !('unread' in member))
  const judged: Judged = {
    ...input,
    from: read.find(({ nodeId }) => nodeId === active) ?? null,
    standbys: read.filter(({ nodeId }) => nodeId !== active),
  }
  const findings = readinessChecks.flatMap((check) => rules[check](judged).map((finding) => ({ check, ...finding })))
  return {
    router: router.id,
    fault,
    at,
    active,
    standbys: router.members.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== active),
    checks: readinessChecks.map((check) => {
      const own = findings.filter((finding) => finding.check === check)
      return { check, state: own.some(({ blocking }) => blocking) ? 'blocked' : own.length > 0 ? 'warned' : 'passed' }
    }),
    findings: [...findings.filter(({ blocking }) => blocking), ...findings.filter(({ blocking }) => !blocking)],
    ready: !findings.some(({ blocking }) => blocking),
  }
}

const blocks = (rule: string, nodeId: NodeId | null, message: string, evidence = ''): Finding => ({
  ...{ rule, blocking: true, nodeId, message, evidence },
})
const warns = (rule: string, nodeId: NodeId | null, message: string, evidence = ''): Finding => ({
  ...blocks(rule, nodeId, message, evidence),
  blocking: false,
})

const rules: Record<ReadinessCheck, Rule> = {
  members({ router, active, members, from, standbys }) {
    const found: Finding[] = []
    if (router.verdict !== 'held') {
      const evidence = `verdict ${router.verdict}, holders ${router.holders.join(', ') || 'none'}`
      found.push(blocks('members.not-held', null, `${router.name} is not held by exactly one member now.`, evidence))
    }
    if (router.members.every(({ nodeId }) => nodeId === active)) {
      found.push(blocks('members.no-standby', active, `${router.name} has no other member: nobody could take the address.`))
    }
    for (const member of members) {
      if ('unread' in member)
        found.push(blocks('members.unread', member.nodeId, `${member.nodeId} cannot be read.`, member.unread))
    }
    for (const { nodeId, daemonRunning, state, tracked, kernelReadAt } of router.members) {
      if (nodeId === active || kernelReadAt === null) continue
      if (daemonRunning === false) {
        found.push(
          blocks('members.keepalived-stopped', nodeId, `keepalived does not run on ${nodeId}: it would take nothing over.`),
        )
      }
      const failing = tracked.filter(({ status }) => /^(BAD|DOWN|no quorum)/.test(status))
      const evidence = failing.map(({ kind, name, status }) => `${kind} ${name}: ${status}`).join(', ')
      if (state === 'FAULT') {
        found.push(blocks('members.fault', nodeId, `${nodeId} is in FAULT and takes no part in the election.`, evidence))
      } else if (failing.length > 0) {
        found.push(blocks('members.track-failing', nodeId, `What ${nodeId} tracks fails there already.`, evidence))
      }
    }
    for (const { kind } of from?.services ?? []) {
      if (kind === 'keepalived') continue
      for (const { nodeId, services } of standbys) {
        const own = services.find((service) => service.kind === kind)
        if (own !== undefined && own.stopped === null) continue
        const message = `${kind} ${own === undefined ? 'is not installed' : 'does not serve'} on ${nodeId}: clients would be refused.`
        found.push(blocks('members.balancer-stopped', nodeId, message, own?.stopped ?? ''))
      }
    }
    return found
  },

  vrrp({ fault, prediction, members, from, standbys, active }) {
    const found: Finding[] = []
    if (prediction === null) {
      if (!members.some((member) => 'unread' in member))
        found.push(
          blocks('vrrp.unknown', active, 'What the fault would do cannot be computed: nobody holds the address for certain.'),
        )
    } else {
      // A loss of backends is not seen by VRRP, and is not meant to move anything.
      if (!prediction.moves && fault !== 'backend-loss') {
        found.push(
          blocks(
            'vrrp.moves-nothing',
            active,
            'The fault would not move the address: the drill would test nothing.',
            prediction.formula,
          ),
        )
      }
      found.push(...prediction.notes.map((note) => warns('vrrp.note', active, note)))
    }
    const texts = [from, ...standbys].flatMap((member) => (member === null ? [] : [keepalivedTexts(member)]))
    const said = new Map<string, Finding>()
    // each by itself, as its daemon reads them, and then as members of one router
    for (const { rule, severity, file, line, message, reason } of [...texts, texts.flat()].flatMap(lintFiles)) {
      if (severity === 'info') continue
      const say = breaksPair.has(rule) ? blocks : warns
      const at = `${file}:${line}`
      const known = said.get(`${rule} ${message}`)
      // what is the same on every member is said once
      if (known === undefined)
        said.set(`${rule} ${message}`, say(rule.replace('keepalived/', 'vrrp.'), nodeOf(file), `${message}. ${reason}`, at))
      else if (!known.evidence.includes(at)) known.evidence += `, ${at}`
    }
    return [...found, ...said.values()]
  },

  configuration({ from, standbys }) {
    return standbys.flatMap((standby) => [
      ...standby.services.flatMap(({ kind, files, problems }) => [
        ...files.flatMap(({ path, error }) =>
          error === null
            ? []
            : [blocks('configuration.unread', standby.nodeId, `${path} on ${standby.nodeId} cannot be read.`, error)],
        ),
        ...(problems ?? [])
          .filter(({ severity }) => severity === 'error')
          .map(({ message, path, line }) =>
            blocks(
              'configuration.refused',
              standby.nodeId,
              `${kind} on ${standby.nodeId} does not accept its files: it could not start again.`,
              `${message}${path === null ? '' : ` (${path}${line === null ? '' : `:${line}`})`}`,
            ),
          ),
      ]),
      ...(from === null ? [] : differences(from, standby)),
    ])
  },

  loaded: ({ from, standbys }) =>
    [from, ...standbys].flatMap((member) =>
      (member?.services ?? []).flatMap(({ kind, files }) => {
        const stale = files.filter(({ loaded }) => loaded === 'not-loaded').map(({ path }) => path)
        if (member === null || stale.length === 0) return []
        const message = `${kind} on ${member.nodeId} has not loaded what is on disk: a start would bring another configuration.`
        return [blocks('loaded.stale', member.nodeId, message, stale.join(', '))]
      }),
    ),

  certificates: ({ at, from, standbys }) =>
    standbys.flatMap(({ nodeId, asRoot, certificates }) =>
      certificates.flatMap(({ path, found }): Finding[] => {
        if (found === null && !asRoot) {
          return [warns('certificates.unread', nodeId, `${path} on ${nodeId} may not be read by this account.`)]
        }
        if (found === null)
          return [blocks('certificates.missing', nodeId, `${path} on ${nodeId} holds no certificate that can be read.`)]
        const evidence = `${found.subject}, sha256 ${found.sha256.slice(0, 16)}…, until ${new Date(found.notAfter).toISOString()}`
        if (found.notAfter <= at) return [blocks('certificates.expired', nodeId, `${path} on ${nodeId} has expired.`, evidence)]
        if (found.notBefore > at)
          return [blocks('certificates.not-yet', nodeId, `${path} on ${nodeId} is not valid yet.`, evidence)]
        const other = from?.certificates.find((each) => each.path === path)?.found ?? null
        if (other !== null && other.sha256 !== found.sha256) {
          const message = `${path} is another certificate on ${nodeId} than on ${from?.nodeId}.`
          return [
            blocks(
              'certificates.differ',
              nodeId,
              message,
              `${evidence}; there ${other.subject}, sha256 ${other.sha256.slice(0, 16)}…`,
            ),
          ]
        }
        const soon = found.notAfter - at < expiresSoonMs
        return soon ? [warns('certificates.expire-soon', nodeId, `${path} on ${nodeId} expires soon.`, evidence)] : []
      }),
    ),

  backends: ({ from, standbys }) =>
    standbys.flatMap(({ nodeId, needs, reached }) => {
      if (reached === 'unable') {
        return needs.backends.length === 0
          ? []
          : [
              warns(
                'backends.untried',
                nodeId,
                `sshd on ${nodeId} forbids connections from there: whether it reaches its servers was not tried.`,
              ),
            ]
      }
      const elsewhere = new Map(
        from === null || from.reached === 'unable'
          ? []
          : from.needs.backends.map(({ host, port }, index) => [`${host} ${port}`, from.reached[index] ?? null] as const),
      )
      return needs.backends.flatMap(({ host, port, servers }, index): Finding[] => {
        const why = reached[index] ?? null
        if (why === null) return []
        const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
        const evidence = `${where}: ${why}; ${servers.join(', ')}`
        const there = elsewhere.get(`${host} ${port}`)
        return there === null
          ? [
              blocks(
                'backends.unreachable',
                nodeId,
                `${where} is reached from ${from?.nodeId} and not from ${nodeId}.`,
                evidence,
              ),
            ]
          : [warns('backends.down', nodeId, `${where} is not reached from ${nodeId}.`, evidence)]
      })
    }),

  listeners: ({ standbys }) =>
    standbys.flatMap(({ nodeId, needs, network }) =>
      needs.listens.flatMap((wanted): Finding[] => {
        const { kind, path, line } = wanted
        // whose it is may not be seen: then it is taken for the daemon's own
        const isOwn = ({ owners }: Listener): boolean => owners.length === 0 || owners.some(({ name }) => name === kind)
        const others = { ...network, listeners: network.listeners.filter((listener) => !isOwn(listener)) }
        const [fault] = unseenByCheck([wanted], [], others, { pids: new Set(), sharesOwn: true })
        if (fault !== undefined) {
          const message = `${kind} on ${nodeId} cannot listen: ${fault.message}.`
          const rule = fault.message.includes(' in use ') ? 'listeners.taken' : 'listeners.no-address'
          return [blocks(rule, nodeId, message, `${path}:${line}`)]
        }
        if (network.listeners.some((listener) => isOwn(listener) && overlap(listener, wanted))) return []
        const message = `Nothing listens on port ${wanted.port} of ${nodeId}, which the files of ${kind} ask for.`
        return [blocks('listeners.missing', nodeId, message, `${path}:${line}`)]
      }),
    ),

  versions: ({ from, standbys }) =>
    standbys.flatMap(({ nodeId, services }) =>
      services.flatMap(({ kind, version }) => {
        const other = from?.services.find((each) => each.kind === kind)
        return other === undefined || other.version === version
          ? []
          : [warns('versions.differ', nodeId, `${kind} is ${version} on ${nodeId} and ${other.version} on ${from?.nodeId}.`)]
      }),
    ),

  clocks: ({ from, standbys }) =>
    standbys.flatMap(({ nodeId, clock }) => {
      if (from === null) return []
      const apartMs = Math.abs(clock.offsetMs - from.clock.offsetMs)
      const knownMs = clock.uncertaintyMs + from.clock.uncertaintyMs
      if (apartMs - knownMs <= clocksApartMs) return []
      const message = `The clocks of ${nodeId} and ${from.nodeId} are ${(apartMs / 1000).toFixed(1)} s apart: their logs do not fit together${
        apartMs > clocksUselessMs ? ', and certificates are judged by another time' : ''
      }.`
      const say = apartMs - knownMs > clocksUselessMs ? blocks : warns
      return [
        say(
          'clocks.apart',
          nodeId,
          message,
          `${clock.offsetMs} ms and ${from.clock.offsetMs} ms off this console, ± ${knownMs} ms`,
        ),
      ]
    }),

  log: ({ standbys }) =>
    standbys.flatMap(({ nodeId, log }) =>
      log.length === 0
        ? []
        : [
            warns(
              'log.errors',
              nodeId,
              `${log.length} errors in the logs of ${nodeId} within the last 15 minutes.`,
              log.slice(-3).join('\n'),
            ),
          ],
    ),
}

/** Findings of the linter that keep two members from being one router. */
const breaksPair = new Set([
  'keepalived/syntax',
  'keepalived/incomplete',
  'keepalived/vrid-reuse',
  'keepalived/members-differ',
  'keepalived/undefined-script',
])

const nodeOf = (file: string): NodeId => file.slice(0, file.indexOf(':')) as NodeId

const textsOf = ({ services }: MemberEvidence, kinds: readonly ServiceKind[]): ConfigText[] =>
  services.flatMap(({ kind, files }) =>
    kinds.includes(kind) ? files.flatMap(({ path, text }) => (text === null ? [] : [{ kind, path, text }])) : [],
  )

/** The node stands before the path, so that files of two members are two files. */
const keepalivedTexts = (member: MemberEvidence): ConfigText[] =>
  textsOf(member, ['keepalived']).map((file) => ({ ...file, path: `${member.nodeId}:${file.path}` }))

/** What is missing on the standby, or leads its clients elsewhere. */
const serviceChanges: ReadonlySet<ConfigChange['what']> = new Set([
  'file.removed',
  'pool.removed',
  'server.removed',
  'server.address',
  'listener.removed',
  'route.removed',
  'route.target',
])

/** A pool can have thousands of servers: who wants them all reads the file. */
const brief = (said: string | null): string =>
  said === null ? 'not there' : said.length > 200 ? `${said.slice(0, 200)}…` : said

function differences(from: MemberEvidence, standby: MemberEvidence): Finding[] {
  const kinds = from.services.map(({ kind }) => kind)
  return semanticDiff(textsOf(from, kinds), textsOf(standby, kinds)).flatMap((change): Finding[] => {
    const { kind, what, subject, before, after, at, perNode } = change
    // routers are compared as a pair, in the words of VRRP
    if (perNode || what.startsWith('router.')) return []
    const place = at.after ?? at.before
    const evidence = `${from.nodeId}: ${brief(before)}; ${standby.nodeId}: ${brief(after)}${place === null ? '' : ` (${place.file}:${place.line})`}`
    const say = serviceChanges.has(what) ? blocks : warns
    return [
      say('configuration.differs', standby.nodeId, `${kind}: ${subject} differs on ${standby.nodeId} (${what}).`, evidence),
    ]
  })
}
