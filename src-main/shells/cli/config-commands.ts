import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import type { ConfigText, LintFinding, NodeConfig, ParsedConfig, ServiceKind } from '#contract'
import { configFile, fetchConfig, nodeIdsOf, reportUnreadFiles, textsOf } from './config-source.ts'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'

/** Prints the tree of one file and what it means; with `print` the file as it is written back, byte for byte. */
export async function parseConfig(
  { client, json, terminal, print }: Command,
  path: string,
  options: { kind?: ServiceKind; print?: boolean },
): Promise<ExitCode> {
  const { file, encoding } = await configFile(path, options.kind)
  const { printed, ...parsed } = await client.call('config.parse', file)
  if (options.print) {
    terminal.raw(Buffer.from(printed, encoding))
    return exitCodes.ok
  }
  print({ kind: file.kind, ...parsed }, () => outlineLines(parsed))
  if (!json)
    for (const { file: at, line, column, message } of parsed.problems) terminal.err(`${at}:${line}:${column}: ${message}`)
  return exitCodes.ok
}

export interface GetOptions {
  service?: ServiceKind
  out?: string
  secrets?: boolean
}

/** Lists the files of one node, or of all; with `out` writes them below a folder per node, byte for byte but for the masks. */
export async function getConfig(command: Command, node: string | undefined, options: GetOptions): Promise<ExitCode> {
  const { terminal, print } = command
  const nodes = node === undefined ? await nodeIdsOf(command) : [node]
  const answers = await Promise.all(
    nodes.map(async (each) => {
      try {
        return await fetchConfig(command, each, options.secrets)
      } catch (thrown) {
        // of several nodes, the others are read all the same
        if (node !== undefined || !(thrown instanceof CliError)) throw thrown
        terminal.err(`evenkeel: ${each} was not read: ${thrown.reply.message}`)
        return null
      }
    }),
  )
  const configs = answers.flatMap((config) => (config === null ? [] : [onlyOf(config, options.service)]))
  const unread = configs.map((config) => reportUnreadFiles(command, config)).includes(true)
  if (options.out !== undefined) for (const config of configs) await writeFiles(options.out, config)
  const masked = configs.flatMap(({ files }) => files).reduce((sum, file) => sum + file.masked, 0)
  print(configs, () => configs.flatMap(fileLines))
  if (masked > 0 && !command.json) terminal.err(`evenkeel: ${masked} passwords are masked; --secrets shows them.`)
  return unread || answers.includes(null) ? exitCodes.unreachable : exitCodes.ok
}

function onlyOf(config: NodeConfig, kind: ServiceKind | undefined): NodeConfig {
  const keep = <T extends { kind: ServiceKind }>(list: readonly T[]): T[] =>
    list.filter((each) => kind === undefined || each.kind === kind)
  return { ...config, files: keep(config.files), failures: keep(config.failures) }
}

const loadedWords = { loaded: 'loaded', 'not-loaded': 'on disk, not loaded', unknown: 'loaded or not: unknown' } as const

function fileLines({ nodeId, files }: NodeConfig): string[] {
  return files.map(({ path, kind, bytes, sha256, mode, owner, loaded }) =>
    [
      nodeId,
      kind,
      path,
      `${bytes ?? '–'} bytes`,
      sha256?.slice(0, 12) ?? 'unreadable',
      mode ?? '–',
      owner ?? '–',
      loadedWords[loaded],
    ].join('  '),
  )
}

/** The path on the node becomes a path below the folder; files are for their owner alone, since configurations hold secrets. */
async function writeFiles(folder: string, { nodeId, files }: NodeConfig): Promise<void> {
  const root = resolve(folder, nodeId)
  for (const { path, text, encoding } of files) {
    if (text === null) continue
    const target = join(root, path)
    if (!target.startsWith(root + sep))
      throw usageError(`${nodeId} names the file ${path}, which would stand outside of ${root}.`)
    try {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await writeFile(target, Buffer.from(text, encoding), { mode: 0o600 })
    } catch (cause) {
      throw usageError(`${target} could not be written: ${cause instanceof Error ? cause.message : String(cause)}.`)
    }
  }
}

export interface LintOptions {
  kind?: ServiceKind
  node?: string[]
}

/** Prints what will hurt, one finding a line, as compilers do; ends with 1 when there is an error among them. */
export async function lint(command: Command, paths: readonly string[], options: LintOptions): Promise<ExitCode> {
  const nodes = options.node ?? []
  if (paths.length + nodes.length === 0) throw usageError('Nothing to look at: give files, or nodes with --node.')
  const local = await Promise.all(paths.map(async (path) => (await configFile(path, options.kind)).file))
  const configs = await Promise.all(nodes.map((node) => fetchConfig(command, node)))
  const unread = configs.map((config) => reportUnreadFiles(command, config)).includes(true)
  const remote = configs.flatMap((config) =>
    textsOf(config).map((file) => ({ ...file, path: `${config.nodeId}:${file.path}` })),
  )
  const files = [...local, ...remote].filter(({ kind }) => kind === (options.kind ?? kind))
  const together = await lintTogether(command, files, nodes.length)
  // what only the unmasked text tells, such as a password left at an example's value
  const own = configs.flatMap(({ nodeId, findings }) => findings.map((each) => ({ ...each, file: `${nodeId}:${each.file}` })))
  const known = new Set(together.map(findingKey))
  const findings = [...together, ...own.filter((each) => each.rule === 'keepalived/auth-pass' && !known.has(findingKey(each)))]
  command.print(findings, () => [...findings.flatMap(findingLines), summaryOf(findings)])
  if (unread) return exitCodes.unreachable
  return findings.some(({ severity }) => severity === 'error') ? exitCodes.failed : exitCodes.ok
}

const findingKey = ({ rule, file, line }: LintFinding): string => `${rule} ${file}:${line}`

/** HAProxy and nginx of several nodes are configurations of their own; keepalived of several nodes is compared. */
async function lintTogether({ client }: Command, files: readonly ConfigText[], nodes: number): Promise<LintFinding[]> {
  const nodeOf = ({ kind, path }: ConfigText): string =>
    nodes > 0 && kind !== 'keepalived' ? (/^([^:/]+):\//.exec(path)?.[1] ?? '') : ''
  const groups = new Map<string, ConfigText[]>()
  for (const file of files) {
    const key = `${file.kind} ${nodeOf(file)}`
    groups.set(key, [...(groups.get(key) ?? []), file])
  }
  const found = await Promise.all([...groups.values()].map((group) => client.call('config.lint', { files: group })))
  return found.flat()
}

function findingLines({ file, line, column, severity, rule, message, reason, fix }: LintFinding): string[] {
  const head = `${file}:${line}:${column}: ${severity}: ${message} [${rule}]`
  return [head, `    ${reason}`, ...(fix === null ? [] : [`    fix: ${fix}`])]
}

function summaryOf(findings: readonly LintFinding[]): string {
  const count = (severity: LintFinding['severity']): number => findings.filter((each) => each.severity === severity).length
  return `${count('error')} errors, ${count('warning')} warnings, ${count('info')} remarks`
}

function outlineLines({ outline }: Omit<ParsedConfig, 'printed'>): string[] {
  const at = ({ file, line }: { file: string; line: number }): string => `${file}:${line}`
  return [
    ...outline.listeners.map((each) => `${at(each)}  listens  ${each.name}  ${each.addresses.join(' ')}`),
    ...outline.routes.map(
      (each) => `${at(each)}  routes   ${each.from} → ${each.to}${each.condition === null ? '' : `  ${each.condition}`}`,
    ),
    ...outline.pools.flatMap((pool) => [
      `${at(pool)}  pool     ${pool.name}  ${pool.algorithm}`,
      ...pool.servers.map((server) => {
        const words = [
          `weight ${server.weight}`,
          server.checked && 'checked',
          server.backup && 'backup',
          server.disabled && 'disabled',
        ]
        return `${at(server)}  server   ${pool.name}/${server.name}  ${server.address}  ${words.filter(Boolean).join(', ')}`
      }),
    ]),
    ...outline.virtualRouters.map((each) => {
      const facts = [
        `vrid ${each.vrid ?? '–'}`,
        `priority ${each.priority}`,
        `advert ${each.advertIntS} s`,
        each.addresses.join(' '),
      ]
      return `${at(each)}  router   ${each.name}  ${facts.join('  ')}`
    }),
    ...outline.scripts.map((each) => `${at(each)}  script   ${each.name}  ${each.command}`),
  ]
}
