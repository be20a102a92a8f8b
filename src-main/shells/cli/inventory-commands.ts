import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import * as v from 'valibot'
import { InventoryNode, type NodeId } from '#contract'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { inventorySchemaText } from './inventory-schema.ts'
import { reportSummaryLines } from './node-commands.ts'
import type { Command } from './run-command.ts'

export interface ImportOptions {
  format?: string
  replace?: boolean
  dryRun?: boolean
  probe: boolean
}

/** Reads a file, or standard input for `-`, and looks at every node that is new or changed. */
export async function importInventory(command: Command, file: string, options: ImportOptions): Promise<ExitCode> {
  const diff = await command.client.call('inventory.import', {
    text: file === '-' ? await command.terminal.readStdin() : await textOf(file),
    format: formatOf(file, options.format),
    source: file === '-' ? 'standard input' : file,
    folder: file === '-' ? process.cwd() : dirname(resolve(file)),
    mode: options.replace ? 'replace' : 'merge',
    dryRun: options.dryRun ?? false,
  })
  command.print(diff, () =>
    (['added', 'updated', 'removed', 'unchanged'] as const).flatMap((what) =>
      diff[what].length === 0 ? [] : [`${options.dryRun ? 'would be ' : ''}${what}: ${diff[what].join(', ')}`],
    ),
  )
  if (options.dryRun || !options.probe) return exitCodes.ok
  return probeAll(command, [...diff.added, ...diff.updated])
}

/** The import itself has succeeded; what a probe could not do is told on stderr and by the exit code. */
async function probeAll(command: Command, nodes: readonly NodeId[]): Promise<ExitCode> {
  const results = await Promise.allSettled(nodes.map((node) => command.client.call('node.probe', { node }, command.signal)))
  let code: ExitCode = exitCodes.ok
  results.forEach((result, index) => {
    const node = nodes[index] ?? ''
    if (result.status === 'fulfilled') {
      for (const line of reportSummaryLines(result.value)) command.terminal.err(line)
      return
    }
    if (!(result.reason instanceof CliError)) throw result.reason
    const { code: reason, message } = result.reason.reply
    code = exitCodes.unreachable
    command.terminal.err(`evenkeel: ${node} was added but not probed: ${message}`)
    if (reason === 'ssh.host-key-unknown') command.terminal.err(`evenkeel: to see and trust its key: evenkeel trust ${node}`)
  })
  return code
}

export async function exportInventory(command: Command, format: string | undefined): Promise<ExitCode> {
  const { text } = await command.client.call('inventory.export', { format: command.json ? 'json' : formatOf('', format) })
  command.terminal.out(text.trimEnd())
  return exitCodes.ok
}

export interface AddOptions {
  name?: string
  site?: string
  host?: string
  port?: string
  user?: string
  identity?: string
  knownHosts?: string
  jump?: string
  auth?: string
  sudo?: boolean
  production?: boolean
}

export async function addNode(command: Command, id: string, options: AddOptions): Promise<ExitCode> {
  const { name, site, host, port, user, identity, knownHosts, jump, auth, sudo, production } = options
  const given = present({
    id,
    name: name ?? id,
    site,
    production,
    ssh: present({
      host: host ?? id,
      port: port === undefined ? undefined : Number(port),
      user,
      identityFile: identity === undefined ? undefined : pathFrom(identity),
      knownHostsFile: knownHosts === undefined ? undefined : pathFrom(knownHosts),
      proxyJump: jump,
      auth,
      sudo,
    }),
  })
  const parsed = v.safeParse(InventoryNode, given)
  if (!parsed.success) {
    throw usageError(parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'node'}: ${issue.message}`).join('\n'))
  }
  await command.client.call('inventory.putNode', { node: parsed.output, create: true })
  command.print(parsed.output, () => [`added: ${id}`])
  return probeAll(command, [parsed.output.id])
}

export async function removeNode(command: Command, id: string): Promise<ExitCode> {
  await command.client.call('inventory.removeNode', { node: id as NodeId })
  command.print({ removed: id }, () => [`removed: ${id}`])
  return exitCodes.ok
}

export function printSchema(write: (text: string) => void): ExitCode {
  write(inventorySchemaText().trimEnd())
  return exitCodes.ok
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw usageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function formatOf(file: string, asked: string | undefined): 'yaml' | 'json' {
  if (asked === 'yaml' || asked === 'json') return asked
  if (asked !== undefined) throw usageError(`"${asked}" is no format; yaml and json are.`)
  return extname(file).toLowerCase() === '.json' ? 'json' : 'yaml'
}

/** A path on the command line is relative to where the command runs. */
function pathFrom(path: string): string {
  return path.startsWith('~') ? path : resolve(path)
}

function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
