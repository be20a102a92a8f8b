import * as v from 'valibot'
import { HostKeyDetails, type ErrorReply, type NodeId, type ProbeReport } from '#contract'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'

/** A chain of jump hosts asks once per hop; longer ones than this are a loop. */
const MAX_HOPS = 8

/** Looks at a node and says what was found and what is missing. An error among the findings is a finding. */
export async function probe(command: Command, node: string): Promise<ExitCode> {
  const report = await command.client.call('node.probe', { node: node as NodeId }, command.signal)
  command.print(report, () => reportLines(report))
  return report.findings.some((finding) => finding.severity === 'error') ? exitCodes.failed : exitCodes.ok
}

/** Shows the key of every unknown hop and trusts it once agreed to. A changed key is never offered. */
export async function trust(command: Command, node: string, fingerprint: string | undefined): Promise<ExitCode> {
  const trusted: { host: string; port: number; fingerprint: string }[] = []
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const refusal = await refusalOf(command, node)
    if (refusal === null) {
      command.print({ node, trusted }, () =>
        trusted.length === 0
          ? [`The key of ${node} is trusted already.`]
          : trusted.map((key) => `Trusted ${key.fingerprint} for ${key.host} port ${key.port}.`),
      )
      return exitCodes.ok
    }
    const offered = v.parse(HostKeyDetails, refusal.details)
    await agree(command, offered, fingerprint)
    const { host, port, key } = offered
    await command.client.call('node.trustHostKey', { host, port, key, fingerprint: offered.fingerprint })
    trusted.push({ host, port, fingerprint: offered.fingerprint })
  }
  throw usageError(`${node} is reached over more than ${MAX_HOPS} hosts with unknown keys; check its ProxyJump.`)
}

/** Null: the host keys are fine, whatever else may be wrong with the node. */
async function refusalOf({ client, signal }: Command, node: string): Promise<ErrorReply | null> {
  try {
    await client.call('node.probe', { node: node as NodeId }, signal)
    return null
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.reply.code === 'ssh.host-key-unknown') return thrown.reply
    throw thrown
  }
}

async function agree({ terminal }: Command, offered: HostKeyDetails, expected: string | undefined): Promise<void> {
  const { host, port, keyType, fingerprint } = offered
  if (expected !== undefined) {
    if (expected === fingerprint) return
    throw notTrusted(`${host} port ${port} offers ${fingerprint}, not ${expected}. Nothing was trusted.`, offered)
  }
  terminal.err(`${host} port ${port} offers the ${keyType} key`)
  terminal.err(`  ${fingerprint}`)
  terminal.err('Compare it with what "ssh-keygen -lf" prints on the machine itself.')
  const answer = await terminal.ask('Trust it? (yes/no) ')
  if (answer?.trim().toLowerCase() === 'yes') return
  const how = answer === null ? ' There is nobody to ask; give --fingerprint SHA256:… to trust it in a script.' : ''
  throw notTrusted(`The key of ${host} port ${port} was not trusted.${how}`, offered)
}

function notTrusted(message: string, details: HostKeyDetails): CliError {
  return new CliError({ code: 'ssh.host-key-unknown', message, effect: 'none', details })
}

export function reportLines(report: ProbeReport): string[] {
  return [
    `${report.nodeId}: ${report.hostName}, ${report.os}, as ${report.user} (sudo: ${report.sudo})`,
    ...(report.services.length === 0 ? ['  no HAProxy, nginx or keepalived was found'] : []),
    ...report.services.flatMap((service) => [
      `  ${service.kind} ${service.version}, ${service.running ? `running as pid ${service.pid ?? '?'}` : 'not running'}, ${service.privilege}`,
      ...service.configFiles.map((file) => `    configuration ${file}`),
      ...Object.entries(service.endpoints).map(([name, path]) => `    ${name} ${path}`),
    ]),
    ...findingLines(report),
  ]
}

/** What was found in one line, and what is missing. */
export function reportSummaryLines(report: ProbeReport): string[] {
  const services = report.services.map(({ kind, version, running }) => `${kind} ${version}${running ? '' : ' (not running)'}`)
  return [`${report.nodeId}: ${services.join(', ') || 'no HAProxy, nginx or keepalived was found'}`, ...findingLines(report)]
}

function findingLines({ findings }: ProbeReport): string[] {
  return findings.flatMap((finding) => [
    `  ${finding.severity}: ${finding.message}`,
    ...(finding.fix === null ? [] : [`    in ${finding.fix.where}: ${finding.fix.line}`]),
  ])
}
