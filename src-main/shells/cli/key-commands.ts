import type { TrustedKey } from '#contract'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'
import { tableLines } from './terminal.ts'

/** The host keys that were trusted here; those of `known_hosts` files are not among them. */
export async function keys(command: Command): Promise<ExitCode> {
  const trusted = await command.client.call('node.trustedKeys', {})
  command.print(trusted, () =>
    trusted.length === 0
      ? ['No host key was trusted here.']
      : tableLines(
          ['host', 'port', 'type', 'fingerprint', 'trusted', 'by'],
          trusted.map((key) => [
            key.host,
            String(key.port),
            key.keyType,
            key.fingerprint,
            new Date(key.trustedAt).toISOString().slice(0, 10),
            key.trustedBy,
          ]),
        ),
  )
  return exitCodes.ok
}

/** Forgets what was trusted here for a host, after asking. With a fingerprint only that key, and without asking. */
export async function forgetKeys(command: Command, target: string, fingerprint: string | undefined): Promise<ExitCode> {
  const { host, port } = hostAndPort(target)
  const ofHost = (await command.client.call('node.trustedKeys', {})).filter(
    (key) => key.host === host && (port === null || key.port === port),
  )
  const chosen = fingerprint === undefined ? ofHost : ofHost.filter((key) => key.fingerprint === fingerprint)
  if (chosen.length === 0) {
    const what = fingerprint === undefined ? 'No key' : `No key ${fingerprint}`
    throw usageError(
      `${what} was trusted here for ${target}. "evenkeel keys" lists the keys; others stand in known_hosts files.`,
    )
  }
  if (fingerprint === undefined) await agree(command, chosen)
  for (const key of chosen) {
    await command.client.call('node.forgetHostKey', { host: key.host, port: key.port, fingerprint: key.fingerprint })
  }
  command.print({ forgotten: chosen }, () => chosen.map((key) => `Forgot ${key.fingerprint} of ${key.host} port ${key.port}.`))
  return exitCodes.ok
}

async function agree({ terminal }: Command, chosen: readonly TrustedKey[]): Promise<void> {
  for (const { host, port, keyType, fingerprint } of chosen) terminal.err(`${host} port ${port}: ${keyType} ${fingerprint}`)
  const answer = await terminal.ask('Forget it, and ask again at the next connection? (yes/no) ')
  if (answer?.trim().toLowerCase() === 'yes') return
  const how = answer === null ? ' There is nobody to ask; give --fingerprint SHA256:… to forget one in a script.' : ''
  throw new CliError({ code: 'request.cancelled', message: `Nothing was forgotten.${how}`, effect: 'none', details: {} })
}

/** `host`, `host:2222`, `[2001:db8::1]:2222`, `2001:db8::1`; null: any port */
export function hostAndPort(target: string): { host: string; port: number | null } {
  const found =
    /^\[(?<bracketed>[^\]]+)\](?::(?<port>\d{1,5}))?$/.exec(target) ?? /^(?<plain>[^:]+):(?<port>\d{1,5})$/.exec(target)
  const { bracketed, plain, port } = found?.groups ?? {}
  return { host: bracketed ?? plain ?? target, port: port === undefined ? null : Number(port) }
}
