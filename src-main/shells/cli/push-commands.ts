import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { InputOf, NodeId, PushId, PushPlan, PushRecord } from '#contract'
import { changeLines } from './config-diff.ts'
import { fetchConfig, nodeIdsOf } from './config-source.ts'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { noValues, readNodeValues } from './node-values.ts'
import type { Command } from './run-command.ts'
import { tableLines } from './terminal.ts'

export interface PushOptions {
  node?: string[]
  pair?: string[]
  site?: string[]
  reason?: string
  plan?: boolean
  guard?: number
  watch?: number
  canary?: string
  waveSize?: number
  budget?: number
  allowCapacityLoss?: boolean
  allowVipMove?: boolean
  runtime?: boolean
  values?: string
}

/** `FILE=PATH`: a local file, and where it is to lie on the nodes; `FILE=NODE:PATH`: on this one only. */
interface Placed {
  nodeId: string | null
  file: string
  path: string
  bytes: Buffer
}

/** Pushes local files to nodes, and shows how it goes; with `--plan` only says what it would do. */
export async function push(command: Command, words: readonly string[], options: PushOptions): Promise<ExitCode> {
  const { client, signal } = command
  const request = await requestFrom(command, words, options)
  const { reason } = options
  if (options.plan) {
    const plan = await client.call('push.plan', request, signal)
    command.print(plan, () => planLines(plan))
    return plan.refusals.length > 0 ? exitCodes.refused : exitCodes.ok
  }
  if (reason === undefined) throw usageError('Say why with --reason: it is kept with every version, and shown on the nodes.')
  return follow(command, () => client.call('push.start', { ...request, reason }, signal))
}

/** What each node's own daemon says of the files. Ends with 1 when one refuses. */
export async function checkConfig(command: Command, words: readonly string[], options: PushOptions): Promise<ExitCode> {
  const checks = await command.client.call('push.check', await requestFrom(command, words, options), command.signal)
  command.print(checks, () =>
    checks.flatMap(({ nodeId, kind, accepted, problems }) => [
      `${nodeId} ${kind}: ${accepted ? 'accepted' : 'refused'}`,
      ...problems.map(({ severity, message, path, line }) => {
        const where = path === null ? '' : `${path}${line === null ? '' : `:${line}`}: `
        return `    ${severity}: ${where}${message}`
      }),
    ]),
  )
  return checks.every(({ accepted }) => accepted) ? exitCodes.ok : exitCodes.failed
}

export async function rollback(
  command: Command,
  id: string,
  { reason, node, plan = false }: { reason?: string; node?: string[]; plan?: boolean },
): Promise<ExitCode> {
  const nodes = node === undefined ? {} : { nodes: node as NodeId[] }
  if (plan) {
    const found = await command.client.call('push.planRollback', { push: id as PushId, ...nodes }, command.signal)
    command.print(found, () => planLines(found))
    return found.refusals.length > 0 ? exitCodes.refused : exitCodes.ok
  }
  if (reason === undefined) throw usageError('Say why with --reason.')
  return follow(command, () => command.client.call('push.rollback', { push: id as PushId, reason, ...nodes }, command.signal))
}

/** Ctrl-C stops the push, which takes back what it has done. */
export async function follow(command: Command, start: () => Promise<PushRecord>): Promise<ExitCode> {
  const { client, terminal, json, print, signal } = command
  // takes up what an earlier process has left open, whose jobs keep their nodes locked
  await command.console.start()
  let last: PushRecord | null = null
  let told = ''
  let over: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (over = resolve))
  const onChange = (now: PushRecord): void => {
    // others may be taken up meanwhile
    if (now.id !== last?.id) return
    last = now
    const line = now.targets.map(({ nodeId, kind, phase }) => `${nodeId} ${kind} ${phase}`).join(', ')
    if (!json && line !== told) terminal.err((told = line))
    if (now.endedAt !== null) over()
  }
  const forget = client.on('push.changed', onChange)
  try {
    last = await start()
    onChange(await client.call('push.get', { push: id(last) }))
    const stop = (): void => void client.call('push.stop', { push: id(last) }).catch(() => undefined)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    await ended
    const result = await client.call('push.get', { push: id(last) })
    print(result, () => [
      ...tableLines(
        ['node', 'daemon', 'state', ''],
        result.targets.map(({ nodeId, kind, phase, said }) => [nodeId, kind, phase, said]),
      ),
      `${result.state}: ${result.said}`,
      `push ${result.id}`,
    ])
    return result.state === 'succeeded' ? exitCodes.ok : exitCodes.failed
  } finally {
    forget()
  }
}

function id(push: PushRecord | null): PushId {
  if (push === null) throw new Error('the push has not begun')
  return push.id
}

/** Pushes, or what is left on nodes: guards that stand, whoever armed them. */
export async function pushes(command: Command, options: { standing?: boolean }): Promise<ExitCode> {
  const { client, print } = command
  if (options.standing) {
    const found = await client.call('push.standing', { nodes: await nodeIdsOf(command) }, command.signal)
    print(found, () =>
      tableLines(
        ['node', 'daemon', 'guard', 'state', 'owner', 'reason', 'until'],
        found.map((each) => [
          each.nodeId,
          each.kind,
          each.id,
          each.state,
          each.owner,
          each.reason,
          new Date(each.expiresAt).toISOString(),
        ]),
      ),
    )
    return exitCodes.ok
  }
  const list = await client.call('push.list', {})
  print(list, () =>
    tableLines(
      ['push', 'at', 'state', 'by', 'title', 'reason'],
      list.map((each) => [each.id, new Date(each.createdAt).toISOString(), each.state, each.author, each.title, each.reason]),
    ),
  )
  return exitCodes.ok
}

/** Ends what a push has left on a node, with its guard's id from `config pushes --standing`. */
export async function settlePush(command: Command, guard: string, { how }: { how: 'keep' | 'restore' }): Promise<ExitCode> {
  const found = await command.client.call('push.standing', { nodes: await nodeIdsOf(command) }, command.signal)
  const one = found.find((each) => each.id === guard)
  if (one === undefined) throw usageError(`No node has a guard ${guard}; "config pushes --standing" lists them.`)
  await command.client.call('push.settle', { node: one.nodeId, kind: one.kind, id: guard, how }, command.signal)
  return exitCodes.ok
}

export async function versions(command: Command, node: string | undefined, { path }: { path?: string }): Promise<ExitCode> {
  const query = { ...(node === undefined ? {} : { node: node as NodeId }), ...(path === undefined ? {} : { path }) }
  const list = await command.client.call('config.versions', query)
  command.print(list, () =>
    tableLines(
      ['version', 'at', 'node', 'path', 'sha256', 'source', 'by', 'reason', 'kept'],
      list.map((each) => [
        String(each.id),
        new Date(each.at).toISOString(),
        each.nodeId,
        each.path,
        each.sha256.slice(0, 12),
        each.source,
        each.author ?? '',
        each.reason ?? '',
        each.kept,
      ]),
    ),
  )
  return exitCodes.ok
}

/** What the repository does not have yet; the window's settings name one that is kept up to date. */
export async function mirrorVersions({ client, print, signal }: Command, folder: string): Promise<ExitCode> {
  const path = resolve(folder)
  const { commits, newest } = await client.call('config.mirror', { folder: path }, signal)
  print({ folder: path, commits, newest }, () => [`${path}: ${commits} new commits, up to version ${newest}`])
  return exitCodes.ok
}

async function requestFrom(command: Command, words: readonly string[], options: PushOptions): Promise<InputOf<'push.plan'>> {
  const placed = await Promise.all(words.map(placedFile))
  const values = options.values === undefined ? noValues : await readNodeValues(options.values)
  const named = placed.flatMap(({ nodeId }) => nodeId ?? [])
  const nodes = await chosenNodes(command, { ...options, node: [...(options.node ?? []), ...named] })
  const files = await Promise.all(
    nodes.map(async (nodeId) => {
      const { files: present } = await fetchConfig(command, nodeId)
      const own = placed.filter((each) => each.nodeId === null || each.nodeId === nodeId)
      return own.map(({ file, path, bytes: shared }) => {
        const bytes = values.fill(shared, file, nodeId)
        const encoding = isUtf8(bytes) ? ('utf-8' as const) : ('latin1' as const)
        const baseSha256 = present.find((file) => file.path === path)?.sha256 ?? ''
        return { nodeId, path, baseSha256, text: bytes.toString(encoding), encoding }
      })
    }),
  )
  values.expectAllUsed(nodes)
  return {
    files: files.flat(),
    allowCapacityLoss: options.allowCapacityLoss ?? false,
    allowVipMove: options.allowVipMove ?? false,
    atRuntime: options.runtime ?? false,
    ...(options.canary === undefined ? {} : { canary: options.canary as NodeId }),
    ...(options.waveSize === undefined ? {} : { waveSize: options.waveSize }),
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.watch === undefined ? {} : { watchMs: options.watch }),
    ...(options.guard === undefined ? {} : { guardMs: options.guard }),
  }
}

async function placedFile(word: string): Promise<Placed> {
  const [, file, nodeId = null, path] = /^(.+)=(?:([^/:=]+):)?(\/.*)$/.exec(word) ?? []
  if (file === undefined || path === undefined) {
    throw usageError(
      `"${word}" does not say where it is to lie: write FILE=PATH, as in haproxy.cfg=/etc/haproxy/haproxy.cfg, or FILE=NODE:PATH.`,
    )
  }
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw usageError(`${file} could not be read: ${cause instanceof Error ? cause.message : String(cause)}.`)
  })
  return { nodeId, file, path, bytes }
}

async function chosenNodes({ client }: Command, { node = [], pair = [], site = [] }: PushOptions): Promise<NodeId[]> {
  const { nodes, pairs } = await client.call('inventory.get', {})
  for (const [what, wanted, known] of [
    ['node', node, nodes.map((each): string => each.id)],
    ['pair', pair, pairs.map((each): string => each.id)],
    ['site', site, nodes.map((each): string => each.site ?? '')],
  ] as const) {
    const missing = wanted.find((each) => !known.includes(each))
    if (missing !== undefined)
      throw new CliError({
        code: 'node.not-found',
        message: `There is no ${what} "${missing}" in the inventory.`,
        effect: 'none',
        details: {},
      })
  }
  const members = pairs.filter((each) => pair.includes(each.id)).flatMap((each) => each.nodes)
  const chosen = nodes.filter((each) => node.includes(each.id) || members.includes(each.id) || site.includes(each.site ?? ''))
  if (chosen.length === 0) throw usageError('Push to which nodes? Say --node, --pair or --site.')
  return chosen.map((each) => each.id)
}

/** As a script: what is not a command is a comment. */
export function planLines({ title, waves, targets, vipMoves, unchanged, refusals }: PushPlan): string[] {
  return [
    `# ${title}`,
    ...unchanged.map((nodeId) => `# ${nodeId} has all of it already`),
    ...vipMoves.map(({ text }) => `# ${text}`),
    ...refusals.map((why) => `# refused: ${why}`),
    ...waves.flatMap((wave, index) => [
      '',
      `# wave ${index + 1} of ${waves.length}`,
      ...wave
        .flat()
        .flatMap((nodeId) =>
          targets
            .filter((target) => target.nodeId === nodeId)
            .flatMap((target) => [
              `# on ${nodeId}${target.holdsVip ? ', which holds a virtual address' : ''}: ${target.kind}${target.merged ? ', merged with what had changed there' : ''}`,
              ...target.files.map(
                ({ path, before, after }) => `#   ${path}: ${before.slice(0, 12) || 'new'} -> ${after.slice(0, 12)}`,
              ),
              ...changeLines(target.diff.changes).map((line) => `#   ${line}`),
              ...target.commands,
            ]),
        ),
    ]),
  ]
}
