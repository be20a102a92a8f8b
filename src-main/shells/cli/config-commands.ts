import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import type { ConfigText, LintFinding, ParsedConfig, ServiceKind } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
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

/** Prints what will hurt, one finding a line, as compilers do; ends with 1 when there is an error among them. */
export async function lint(
  { client, print }: Command,
  paths: readonly string[],
  kind: ServiceKind | undefined,
): Promise<ExitCode> {
  const files = await Promise.all(paths.map(async (path) => (await configFile(path, kind)).file))
  const findings = await client.call('config.lint', { files })
  print(findings, () => [...findings.flatMap(findingLines), summaryOf(findings)])
  return findings.some(({ severity }) => severity === 'error') ? exitCodes.failed : exitCodes.ok
}

function findingLines({ file, line, column, severity, rule, message, reason, fix }: LintFinding): string[] {
  const head = `${file}:${line}:${column}: ${severity}: ${message} [${rule}]`
  return [head, `    ${reason}`, ...(fix === null ? [] : [`    fix: ${fix}`])]
}

function summaryOf(findings: readonly LintFinding[]): string {
  const count = (severity: LintFinding['severity']): number => findings.filter((each) => each.severity === severity).length
  return `${count('error')} errors, ${count('warning')} warnings, ${count('info')} remarks`
}

/** Bytes that are not UTF-8 are taken one character each, so that they come back as they were. */
async function configFile(
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
export function kindOf(text: string): ServiceKind | null {
  if (/^\s*(vrrp_(instance|script|sync_group|track_file)|global_defs|virtual_server)\b/m.test(text)) return 'keepalived'
  if (/^(global|defaults|frontend|backend|listen)(\s+[^{};]*)?$/m.test(text)) return 'haproxy'
  return /[{;][ \t]*(#.*)?$/m.test(text) ? 'nginx' : null
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
