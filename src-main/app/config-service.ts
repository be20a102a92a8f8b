/*
 * Configuration read from the nodes. Passwords: files hold VRRP passwords and the like. They are masked here, before anything leaves, unless
 * the caller asks for them (`config get --secrets`; the window never does). What was read is kept
 * as `config-versions.ts` says, and nothing of it is logged. A mask ends with four characters that depend on the password and on a key that this process made for itself: two nodes with different
 * passwords show different masks, and the password cannot be looked for without the key.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { structuredPatch } from 'diff'
import type {
  ConfigDiff,
  ConfigIntent,
  ConfigText,
  ConfigVersionText,
  FileDiff,
  FileEdits,
  LintFinding,
  NodeConfig,
  NodeConfigFile,
  NodeId,
  ServiceKind,
} from '#contract'
import { pairFiles } from '../domain/config-diff/pair-files.ts'
import { semanticDiff } from '../domain/config-diff/semantic-diff.ts'
import { editConfig } from '../domain/config-edit/edit-config.ts'
import { EditRefusal } from '../domain/config-edit/edit-refusal.ts'
import { maskSecrets } from '../domain/config-text/mask-secrets.ts'
import { certificateUses } from '../domain/lint/certificate-uses.ts'
import { certificateFindings } from '../domain/lint/certificate-findings.ts'
import { lintFiles } from '../domain/lint/lint-files.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import { certificateFrom } from './certificate-from.ts'
import type { ConfigVersions, FileOnNode } from './config-versions.ts'
import type { InventoryService } from './inventory-service.ts'
import type { Clock } from './ports/clock.ts'
import type { ConfigFileReading } from './ports/driver.ts'
import type { LookAtNode } from './ports/node-evidence.ts'
import type { CallLimits, NodeSession, NodeSessions } from './ports/node-session.ts'
import type { ProbeService } from './probe-service.ts'

export interface ConfigService {
  /** Every file of the node's daemons as it is on disk now. Throws `node.*`, `ssh.*`; a daemon or a file that cannot be read is told within. */
  fetch(nodeId: NodeId, secrets: boolean, signal: AbortSignal): Promise<NodeConfig>
  diff(before: readonly ConfigText[], after: readonly ConfigText[]): ConfigDiff
  /** What one change takes. Throws `request.invalid` when it cannot be made in these files. */
  edit(files: readonly ConfigText[], intent: ConfigIntent): FileEdits[]
  /** @throws AppError `request.not-found`, `vault.*` */
  version(id: number): Promise<ConfigVersionText>
}

export interface ConfigServiceParts {
  inventory: InventoryService
  sessions: NodeSessions
  probes: ProbeService
  versions: ConfigVersions
  lookAtNode: LookAtNode
  clock: Clock
}

const timeoutMs = 30_000
/** Beyond this many changed lines, or this long, only that the files differ is said. */
const maxEditLength = 20_000
const diffTimeoutMs = 2_000

export function createConfigService({
  inventory,
  sessions,
  probes,
  versions,
  lookAtNode,
  clock,
}: ConfigServiceParts): ConfigService {
  const key = randomBytes(32)
  const tag = (secret: string): string => createHmac('sha256', key).update(secret).digest('hex').slice(0, 4)
  const masked = (file: ConfigText): ConfigText => ({ ...file, text: maskSecrets(file.kind, file.text, tag).text })

  /** Of those that can be read; a node that does not let itself be looked at says nothing of them. */
  async function certificatesOf(
    session: NodeSession,
    texts: readonly ConfigText[],
    limits: CallLimits,
  ): Promise<LintFinding[]> {
    const uses = certificateUses(texts)
    if (uses.length === 0) return []
    try {
      const paths = [...new Set(uses.map(({ path }) => path))]
      const { certificates } = await lookAtNode(session, { reach: [], certificates: paths }, limits)
      const seen = certificates.flatMap(({ path, pem }) => {
        const read = pem === null ? null : certificateFrom(pem)
        return read === null ? [] : [{ path, ...read }]
      })
      return certificateFindings(uses, seen, clock.now())
    } catch (thrown) {
      if (limits.signal.aborted || !appErrorFrom(thrown).code.startsWith('exec.')) throw thrown
      return []
    }
  }

  return {
    async fetch(nodeId, secrets, signal) {
      inventory.requireNode(nodeId)
      const limits = { signal, timeoutMs }
      const session = await sessions.session(nodeId, { ...limits, force: true })
      if (probes.services(nodeId) === null) await probes.probe(nodeId, session, limits)
      const services = probes.services(nodeId) ?? []
      const files: NodeConfigFile[] = []
      const texts: ConfigText[] = []
      const seen: FileOnNode[] = []
      const failures: NodeConfig['failures'] = []
      for (const service of services) {
        const { kind } = service
        try {
          for (const reading of await service.readConfig(session, limits)) {
            const { file, text } = fileFrom(kind, reading)
            if (reading.bytes !== null) seen.push({ nodeId, kind, path: reading.path, bytes: reading.bytes })
            if (text !== null) texts.push({ path: file.path, kind, text })
            files.push(text === null ? file : { ...file, ...(secrets ? { text, masked: 0 } : maskSecrets(kind, text, tag)) })
          }
        } catch (thrown) {
          const { code, message } = appErrorFrom(thrown)
          if (signal.aborted || !/^(exec|daemon|config)\./.test(code)) throw thrown
          failures.push({ kind, code, message })
        }
      }
      await versions.seen(seen)
      const findings = [...lintFiles(texts), ...(await certificatesOf(session, texts, limits))]
      return { nodeId, at: clock.now(), files, findings, failures }
    },

    async version(id) {
      const { version, bytes } = await versions.text(id)
      const encoding = isUtf8(bytes) ? 'utf-8' : 'latin1'
      return { version, encoding, ...maskSecrets(version.kind, bytes.toString(encoding), tag) }
    },

    diff(before, after) {
      const [one, other] = [before.map(masked), after.map(masked)]
      return { changes: semanticDiff(one, other), files: pairFiles(one, other).flatMap(fileDiff) }
    },

    edit(files, intent) {
      try {
        return editConfig(files, intent)
      } catch (thrown) {
        if (thrown instanceof EditRefusal) throw new AppError('request.invalid', thrown.message)
        throw thrown
      }
    },
  }
}

/** Bytes that are not UTF-8 come one character each, so that they can go back as they were. */
function fileFrom(kind: ServiceKind, reading: ConfigFileReading): { file: NodeConfigFile; text: string | null } {
  const { bytes, error, ...facts } = reading
  const encoding = bytes === null || isUtf8(bytes) ? 'utf-8' : 'latin1'
  const file: NodeConfigFile = {
    ...facts,
    kind,
    text: null,
    encoding,
    bytes: bytes?.length ?? null,
    masked: 0,
    error: error === null ? null : { code: error.code, message: error.message },
  }
  return { file, text: bytes?.toString(encoding) ?? null }
}

/** Nothing for a file that is the same on both sides. */
function fileDiff({ before, after }: ReturnType<typeof pairFiles>[number]): FileDiff[] {
  const kind = (after ?? before)?.kind
  if (kind === undefined || before?.text === after?.text) return []
  const sides = { kind, before: before?.path ?? null, after: after?.path ?? null }
  const limits = { context: 3, maxEditLength, timeout: diffTimeoutMs }
  const patch = structuredPatch('', '', before?.text ?? '', after?.text ?? '', undefined, undefined, limits)
  if (patch === undefined) return [{ ...sides, hunks: [], tooDifferent: true }]
  const hunks = patch.hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => ({
    beforeLine: oldStart,
    beforeCount: oldLines,
    afterLine: newStart,
    afterCount: newLines,
    lines,
  }))
  return [{ ...sides, hunks, tooDifferent: false }]
}
