import { isUtf8 } from 'node:buffer'
import type { ConfigText, NodeId, PairId, PushFile, PushPlan, PushRequest, ServiceKind } from '#contract'
import { isMask, secretsIn } from '../../domain/config-text/mask-secrets.ts'
import { runtimeStep, runtimeSteps } from '../../domain/haproxy/runtime-changes.ts'
import { orderPush, type PushTarget } from '../../domain/push/order.ts'
import { AppError } from '../app-error.ts'
import type { ConfigService } from '../config-service.ts'
import { sha256Of, type ConfigVersions, type FileOnNode } from '../config-versions.ts'
import { draftBytes } from '../drafts/draft-bytes.ts'
import type { ConfigChange } from '../ports/config-admin.ts'
import type { CallLimits } from '../ports/node-session.ts'
import { foreseeMoves, readVrrp, type ConfiguredMember } from './foresee-moves.ts'
import { mergeTexts } from './merge-texts.ts'
import { partyOf, type Party, type ServicesOf } from './parties.ts'

export interface PlannedTarget {
  party: Party
  changes: ConfigChange[]
}

export interface PlannedPush {
  plan: PushPlan
  targets: PlannedTarget[]
}

export interface PushPlannerParts {
  servicesOf: ServicesOf
  versions: ConfigVersions
  config: Pick<ConfigService, 'diff'>
  /** null: the node is no member of a pair */
  pairOf: (nodeId: NodeId) => { id: PairId; nodes: readonly NodeId[] } | null
}

/** named in one refusal */
const toldPlaces = 3

interface Draft extends PlannedTarget {
  shown: PushPlan['targets'][number]
  member: ConfiguredMember
}

/** Reads the nodes and says what a push would do. Changes nothing. Throws `config.changed-on-node`, `request.invalid`, `exec.*`, `ssh.*`. */
export function createPushPlanner({ servicesOf, versions, config, pairOf }: PushPlannerParts) {
  return async function planPush(request: PushRequest, signal: AbortSignal): Promise<PlannedPush> {
    const limits = { signal, timeoutMs: 30_000 }
    const nodeIds = [...new Set(request.files.map(({ nodeId }) => nodeId))]
    const read = await Promise.all(
      nodeIds.map((nodeId) =>
        readNode(
          nodeId,
          request.files.filter((file) => file.nodeId === nodeId),
          request.atRuntime,
          limits,
        ),
      ),
    )
    const drafts = read.flat()
    const targets = drafts.map(({ shown }) => shown)
    const touched = new Set(targets.map(({ nodeId }) => nodeId))
    const unchanged = nodeIds.filter((nodeId) => !touched.has(nodeId))
    const withPartner = (nodeId: NodeId): boolean =>
      targets.some((each) => each.nodeId === nodeId && each.diff.changes.some(({ impact }) => impact === 'both-members'))
    const order = [...touched].map((nodeId): PushTarget => ({
      nodeId,
      pair: pairOf(nodeId)?.id ?? null,
      holdsVip: targets.some((each) => each.nodeId === nodeId && each.holdsVip),
      withPartner: withPartner(nodeId),
    }))
    const alone = [...touched].filter(
      (nodeId) => withPartner(nodeId) && pairOf(nodeId)?.nodes.some((each) => !withPartner(each) && !unchanged.includes(each)),
    )
    const waves = orderPush(order, { canary: request.canary, waveSize: request.waveSize })
    const moves = alone.length > 0 ? [] : await movesOf(drafts, waves, limits)
    const paths = [...new Set(targets.flatMap(({ files }) => files.map(({ path }) => path)))]
    const plan: PushPlan = {
      title: titleOf(request) ?? `Push ${paths.join(', ')} to ${[...touched].join(', ')}`,
      waves,
      targets,
      vipMoves: moves,
      unchanged,
      refusals: [
        ...alone.map(
          (nodeId) =>
            `The change of keepalived on ${nodeId} must be made on both members of its pair at once (${pairOf(nodeId)?.nodes.join(', ') ?? ''}), or each discards the other's adverts and both become master. Push both.`,
        ),
        ...(request.allowVipMove
          ? []
          : moves.map(({ text }) => `${text} Allow that ("--allow-vip-move") if it is what is wanted.`)),
        ...(request.atRuntime ? drafts.flatMap(whyNotAtRuntime) : []),
      ],
    }
    return { plan, targets: drafts }
  }

  async function readNode(
    nodeId: NodeId,
    files: readonly PushFile[],
    atRuntime: boolean,
    limits: CallLimits,
  ): Promise<Draft[]> {
    const node = await servicesOf(nodeId, limits.signal)
    const now: FileOnNode[] = []
    for (const service of node.services) {
      for (const { path, bytes, error } of await service.readConfig(node.session, limits)) {
        if (bytes !== null) now.push({ nodeId, kind: service.kind, path, bytes })
        else if (error !== null && files.some((file) => file.path === path)) throw error
      }
    }
    await versions.seen(now)
    const wanted = await Promise.all(files.map((file) => wantedBytes(file, now)))
    const changed = wanted.filter(({ before, after }) =>
      before === null || after === null ? before !== after : !before.equals(after),
    )
    const vrrp = await readVrrp(node, limits)
    const holdsVip = vrrp?.instances.some(({ kernelAddresses }) => kernelAddresses.length > 0) ?? false
    const kinds = [...new Set(changed.map(({ kind }) => kind))]
    return Promise.all(
      kinds.map(async (kind) => {
        const own = changed.filter((each) => each.kind === kind)
        const party = await partyOf(servicesOf, { nodeId, kind }, limits.signal)
        const changes = own.map(({ path, before, after }) => ({
          path,
          expectSha256: before === null ? '' : sha256Of(before),
          after,
        }))
        const before = now.filter((file) => file.kind === kind)
        const next = [
          ...before.flatMap((file) => {
            const change = own.find(({ path }) => path === file.path)
            if (change === undefined) return [file]
            return change.after === null ? [] : [{ ...file, bytes: change.after }]
          }),
          ...own.flatMap(({ path, before: was, after: bytes }) =>
            was !== null || bytes === null ? [] : [{ nodeId, kind, path, bytes }],
          ),
        ]
        const [was, is] = [before.map(textOf), next.map(textOf)]
        const diff = config.diff(was, is)
        const replaced = own.every(({ before: old, after }) => old !== null && after !== null)
        const runtime = replaced ? runtimeSteps(diff.changes, is) : null
        const shown = {
          nodeId,
          kind,
          files: changes.map(({ path, expectSha256, after: bytes }) => ({
            path,
            before: expectSha256,
            after: bytes === null ? '' : sha256Of(bytes),
          })),
          holdsVip,
          merged: own.some(({ merged }) => merged),
          diff,
          runtime,
          commands: party.admin.commandsFor(changes, atRuntime ? runtime : null),
        }
        return { party, changes, shown, member: { nodeId, vrrp, before: was, after: is } }
      }),
    )
  }

  /** With the partners that are not changed; one that cannot be asked cannot take over as far as is known. */
  async function movesOf(
    drafts: readonly Draft[],
    waves: PushPlan['waves'],
    limits: CallLimits,
  ): Promise<PushPlan['vipMoves']> {
    const changed = drafts.filter(({ shown }) => shown.kind === 'keepalived').map(({ member }) => member)
    const pairs = new Map(changed.map(({ nodeId }) => [pairOf(nodeId)?.id ?? nodeId, pairOf(nodeId)?.nodes ?? [nodeId]]))
    const moves = [...pairs.values()].map(async (nodes) => {
      const members = nodes.map(async (nodeId): Promise<ConfiguredMember> => {
        const own = changed.find((each) => each.nodeId === nodeId)
        if (own !== undefined) return own
        const vrrp = await servicesOf(nodeId, limits.signal)
          .then((node) => readVrrp(node, limits))
          .catch(() => null)
        return { nodeId, vrrp, before: [], after: [] }
      })
      return foreseeMoves(await Promise.all(members), waves)
    })
    return (await Promise.all(moves)).flat()
  }

  /** What a file is to say on the node as it is now, whatever has changed there since it was read. */
  async function wantedBytes(
    file: PushFile,
    now: readonly FileOnNode[],
  ): Promise<{ path: string; kind: ServiceKind; before: Buffer | null; after: Buffer | null; merged: boolean }> {
    const { nodeId, path, baseSha256, baseText, text, encoding } = file
    const current = now.find((each) => each.path === path)
    const kind = current?.kind ?? file.kind
    if (kind === undefined) {
      throw new AppError(
        'request.invalid',
        `No daemon on ${nodeId} reads ${path}; say which one it is for, if it is a new file.`,
      )
    }
    const moved = current !== undefined && sha256Of(current.bytes) !== baseSha256
    const base = moved ? await versions.bytes(baseSha256) : (current?.bytes ?? null)
    if ((current === undefined) !== (baseSha256 === '') || (moved && base === null)) throw changedSince(file, '')
    if (file.remove === true) {
      if (moved) throw changedSince(file, '')
      return { path, kind, before: current?.bytes ?? null, after: null, merged: false }
    }
    const old = file.version === undefined ? null : await keptBytes(file.version, path)
    if (old === null && baseText === undefined && secretsIn(kind, text).some(({ from, to }) => isMask(text.slice(from, to)))) {
      throw new AppError(
        'request.invalid',
        `${path} for ${nodeId} has masked passwords in it, which would be pushed as they stand. Fetch it with its passwords ("config get --secrets") and edit that.`,
      )
    }
    const written = (): Buffer =>
      baseText === undefined || base === null
        ? Buffer.from(text, encoding)
        : draftBytes({ nodeId, path, kind, baseText, text }, base)
    const after = old ?? written()
    if (!moved || base === null) return { path, kind, before: current?.bytes ?? null, after, merged: false }
    const merged = mergeTexts(base.toString('latin1'), after.toString('latin1'), current.bytes.toString('latin1'))
    if (merged === null) throw changedSince(file, 'Both changes touch the same lines. ')
    return { path, kind, before: current.bytes, after: Buffer.from(merged, 'latin1'), merged: true }
  }

  async function keptBytes(version: number, path: string): Promise<Buffer> {
    const bytes = await versions.bytes(versions.get(version).sha256)
    if (bytes !== null) return bytes
    throw new AppError(
      'job.not-undoable',
      `Version ${version} of ${path} was kept without its passwords, or the vault is locked, so it cannot be put back from here.`,
    )
  }
}

const titleOf = ({ handover }: PushRequest): string | null =>
  handover === undefined ? null : `Move ${handover.router} from ${handover.from} to ${handover.to}`

/** Why the running daemon cannot be told all of it; empty when it can. */
function whyNotAtRuntime({ shown: { nodeId, kind, diff, runtime }, member }: Draft): string[] {
  if (runtime !== null) return []
  const more = diff.changes.filter((change) => runtimeStep(change, member.after) === null)
  const places = more.map(({ subject, at }) => {
    const place = at.after ?? at.before
    return place === null ? subject : `${subject} (${place.file}:${place.line})`
  })
  const why =
    places.length > 0
      ? `needs a reload for ${places.slice(0, toldPlaces).join(', ')}${places.length > toldPlaces ? ` and ${places.length - toldPlaces} more` : ''}`
      : 'has no change in it that a running daemon can be told'
  return [`The push to ${kind} on ${nodeId} ${why}. Push it without "--runtime".`]
}

const textOf = ({ path, kind, bytes }: FileOnNode): ConfigText => ({
  path,
  kind,
  text: bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1'),
})

function changedSince({ nodeId, path }: PushFile, why: string): AppError {
  return new AppError(
    'config.changed-on-node',
    `${path} on ${nodeId} was changed since it was read. ${why}Nothing was pushed; read it again and make the change there.`,
    { details: { node: nodeId, path } },
  )
}
