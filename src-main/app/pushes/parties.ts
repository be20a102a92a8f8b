import type { NodeId, PushRecord, ServiceKind } from '#contract'
import { AppError } from '../app-error.ts'
import { sha256Of, type ConfigVersions } from '../config-versions.ts'
import type { ConfigAdmin, ConfigChange, StandingGuard } from '../ports/config-admin.ts'
import type { BoundService } from '../ports/driver.ts'
import type { CallLimits, NodeSession } from '../ports/node-session.ts'

export interface NodeServices {
  session: NodeSession
  services: readonly BoundService[]
}

/** A node as it can be asked now. Throws `node.*`, `ssh.*`. */
export type ServicesOf = (nodeId: NodeId, signal: AbortSignal) => Promise<NodeServices>

export type PushTargetFiles = Pick<PushRecord['targets'][number], 'nodeId' | 'kind' | 'files' | 'runtime'>

/** One daemon of one node, about to be changed. */
export interface Party extends NodeServices {
  nodeId: NodeId
  kind: ServiceKind
  service: BoundService
  admin: ConfigAdmin
}

/** @throws AppError `exec.not-permitted` where the daemon cannot be changed */
export async function partyOf(
  servicesOf: ServicesOf,
  { nodeId, kind }: Pick<PushTargetFiles, 'nodeId' | 'kind'>,
  signal: AbortSignal,
): Promise<Party> {
  const node = await servicesOf(nodeId, signal)
  const service = node.services.find((each) => each.kind === kind)
  const admin = service?.configAdmin ?? null
  if (service === undefined || admin === null) {
    throw new AppError(
      'exec.not-permitted',
      service === undefined
        ? `There is no ${kind} on ${nodeId}. Probe the node again if it was installed since.`
        : `Evenkeel may not change the configuration of ${kind} on ${nodeId}: that takes root, or sudo for a shell.`,
    )
  }
  return { ...node, nodeId, kind, service, admin }
}

/** The files as they are to be, or with `back` as they were. @throws AppError `vault.locked` when what they say is not at hand */
export async function changesOf(
  versions: Pick<ConfigVersions, 'bytes'>,
  { nodeId, files }: PushTargetFiles,
  back = false,
): Promise<ConfigChange[]> {
  return Promise.all(
    files.map(async ({ path, before, after }) => {
      const [from, to] = back ? [after, before] : [before, after]
      if (to === '') return { path, expectSha256: from, after: null }
      const bytes = await versions.bytes(to)
      if (bytes !== null) return { path, expectSha256: from, after: bytes }
      throw new AppError(
        'vault.locked',
        `What ${path} on ${nodeId} is to say was kept without its passwords, and the console that knew them has ended. Unlock the vault, or push the file again.`,
      )
    }),
  )
}

/** Whether the files are as before, as after, or neither. */
export async function standOf(
  { service, session }: Party,
  { files }: PushTargetFiles,
  limits: CallLimits,
): Promise<'before' | 'after' | 'mixed' | 'other'> {
  const read = await service.readConfig(session, limits)
  const found = new Map(read.flatMap(({ path, sha256 }) => (sha256 === null ? [] : [[path, sha256] as const])))
  // a file that no daemon reads any more is asked for by itself; so is one that could not be read, which tells nothing about what it says
  const now = await Promise.all(files.map(async ({ path }) => found.get(path) ?? (await hashOf(session, path, limits))))
  if (files.every(({ before }, index) => now[index] === before)) return 'before'
  if (files.every(({ after }, index) => now[index] === after)) return 'after'
  return files.every(({ before, after }, index) => now[index] === before || now[index] === after) ? 'mixed' : 'other'
}

async function hashOf(session: NodeSession, path: string, limits: CallLimits): Promise<string> {
  try {
    const { bytes } = await session.readFile(path, { ...limits, privileged: true, maxBytes: 16 * 1024 * 1024 })
    return sha256Of(bytes)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'exec.not-found') return ''
    throw thrown
  }
}

/** A guard on the node names the job it belongs to, so that it is found again by whoever takes the job up. */
export const guardReason = (reason: string, jobId: string): string => `${reason} [${jobId}]`
/** without the job's name, as people wrote it */
export const shownReason = ({ reason }: StandingGuard): string => reason.replace(/ \[[^[\]]+\]$/, '')
export const isGuardOf = (guard: StandingGuard, jobId: string): boolean => guard.reason.endsWith(`[${jobId}]`)
