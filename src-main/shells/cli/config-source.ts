import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import type { ConfigText, NodeConfig, NodeId, ServiceKind } from '#contract'
import { usageError } from './exit-codes.ts'
import type { Command } from './run-command.ts'

/** Bytes that are not UTF-8 are taken one character each, so that they come back as they were. */
export async function configFile(
  path: string,
  kind: ServiceKind | undefined,
): Promise<{ file: ConfigText; encoding: 'utf8' | 'latin1' }> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw usageError(`${path} could not be read: ${cause instanceof Error ? cause.message : String(cause)}.`)
  })
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
  const text = bytes.toString(encoding)
  const found = kind ?? kindOf(text)
  if (found === null)
    throw usageError(`${path} does not tell which daemon it is for: give --kind haproxy, nginx or keepalived.`)
  return { file: { path, kind: found, text }, encoding }
}

/** Which daemon a file is for, by its words; null when it could be any. */
function kindOf(text: string): ServiceKind | null {
  if (/^\s*(vrrp_(instance|script|sync_group|track_file)|global_defs|virtual_server)\b/m.test(text)) return 'keepalived'
  if (/^(global|defaults|frontend|backend|listen)(\s+[^{};]*)?$/m.test(text)) return 'haproxy'
  return /[{;][ \t]*(#.*)?$/m.test(text) ? 'nginx' : null
}

export function fetchConfig({ client, signal }: Command, node: string, secrets = false): Promise<NodeConfig> {
  return client.call('config.fetch', { node: node as NodeId, secrets }, signal)
}

/** Says on stderr what could not be read, and answers whether anything was left out. */
export function reportUnreadFiles({ terminal }: Command, { nodeId, files, failures }: NodeConfig): boolean {
  const unread = files.flatMap(({ path, error }) => (error === null ? [] : [`${nodeId}:${path}: ${error.message}`]))
  const lines = [...unread, ...failures.map(({ kind, message }) => `${kind} on ${nodeId} was not read: ${message}`)]
  for (const line of lines) terminal.err(`evenkeel: ${line}`)
  return lines.length > 0
}

/** Files that could be read, as the other calls take them. */
export const textsOf = ({ files }: NodeConfig): ConfigText[] =>
  files.flatMap(({ path, kind, text }) => (text === null ? [] : [{ path, kind, text }]))

export const nodeIdsOf = async ({ client }: Command): Promise<NodeId[]> =>
  (await client.call('inventory.get', {})).nodes.map(({ id }) => id)

/** `node:/path`, `version:NUMBER`, a node, or a local file; a file that has the name of a node is `./name`. */
export async function configSource(
  command: Command,
  source: string,
  kind: ServiceKind | undefined,
): Promise<{ name: string; texts: ConfigText[]; complete: boolean }> {
  const [, number] = /^version:(\d+)$/.exec(source) ?? []
  if (number !== undefined) {
    const { version, text } = await command.client.call('config.version', { id: Number(number) })
    return { name: source, texts: [{ path: version.path, kind: version.kind, text }], complete: true }
  }
  const [, before = source, path] = /^([^:/]+):(\/.*)$/.exec(source) ?? []
  const node = (await nodeIdsOf(command)).find((id) => id === before)
  if (node === undefined) {
    const { file } = await configFile(source, kind)
    return { name: source, texts: [file], complete: true }
  }
  const config = await fetchConfig(command, node)
  const complete = !reportUnreadFiles(command, config)
  const texts = textsOf(config).filter((file) => (path ?? file.path) === file.path && (kind ?? file.kind) === file.kind)
  if (texts.length > 0 || path === undefined) return { name: source, texts, complete }
  throw usageError(
    `${before} has no ${path} among the files of its daemons; it has ${config.files.map((file) => file.path).join(', ')}.`,
  )
}
