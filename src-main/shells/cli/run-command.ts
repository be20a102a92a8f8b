import { hostname, userInfo } from 'node:os'
import { createDispatcher } from '../../app/dispatcher.ts'
import { printPage } from '../print-page.ts'
import { composeFor, type Console } from '../../compose.ts'
import type { ErrorReply, FleetSnapshot } from '#contract'
import { createClient, type Client } from './client.ts'
import { CliError, exitCodeFor, exitCodes, type ExitCode } from './exit-codes.ts'
import { unlockVault } from './passphrase-source.ts'
import { plain, type Terminal } from './terminal.ts'

export interface Command {
  client: Client
  terminal: Terminal
  console: Console
  json: boolean
  /** aborted by Ctrl-C */
  signal: AbortSignal
  /** print the value as JSON, or the lines for people */
  print(value: unknown, lines: () => readonly string[]): void
}

export interface CommandOptions {
  json: boolean
  /** drive the data folder, with the vault open or as it is, or only look */
  lease: 'drive' | 'drive-locked' | 'look'
}

export type Compose = (lookOnly: boolean) => Promise<Console>

export const composeForCli: Compose = (lookOnly) => composeFor('cli', { lookOnly, printPage })

/** Opens the application, runs one command in it, and answers the exit code. Nothing is thrown. */
export async function runCommand(
  terminal: Terminal,
  compose: Compose,
  { json, lease }: CommandOptions,
  work: (command: Command) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interrupted = new AbortController()
  const stopListening = terminal.onInterrupt(() => interrupted.abort())
  try {
    const console = await compose(lease === 'look')
    const dispatcher = createDispatcher({ handlers: console.handlers, log: console.log })
    const forget = console.onEvent((name, payload) => dispatcher.publish(name, payload))
    const client = createClient(dispatcher, { user: `${userInfo().username}@${hostname()}`, shell: 'cli' })
    const print = (value: unknown, lines: () => readonly string[]): void => {
      if (json) terminal.out(JSON.stringify(value, null, 2))
      else for (const line of lines()) terminal.out(plain(line))
    }
    try {
      if (lease === 'drive') await unlockVault({ client, terminal })
      return await work({ client, terminal, console, json, signal: interrupted.signal, print })
    } finally {
      client.close()
      forget()
      await console.stop()
    }
  } catch (thrown) {
    const reply = replyFrom(thrown)
    terminal.err(json ? JSON.stringify({ error: reply }) : `evenkeel: ${reply.message}`)
    return exitCodeFor(reply.code)
  } finally {
    stopListening()
  }
}

/** Starts reading and waits until every node was read once, or could not be, or the time is over. */
export async function readFleet({ client, console, signal, terminal }: Command, timeoutMs: number): Promise<FleetSnapshot> {
  await unlockVault({ client, terminal })
  await console.start()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    await client.call('fleet.refresh', {}, limit)
  } catch (thrown) {
    // The time is over: what was read by now is shown, the rest is unknown.
    if (!(thrown instanceof CliError) || thrown.reply.code !== 'request.cancelled' || signal.aborted) throw thrown
  }
  return client.call('fleet.snapshot', {})
}

/** Says on stderr what could not be read; the exit code tells scripts that the answer has holes. */
export function reportUnread({ terminal }: Command, { nodes }: FleetSnapshot): ExitCode {
  let code: ExitCode = exitCodes.ok
  for (const node of nodes) {
    const error = node.connection.state === 'connected' ? null : node.connection.error
    if (node.connection.state !== 'connected') {
      code = exitCodes.unreachable
      terminal.err(`evenkeel: ${node.id} was not read: ${error?.message ?? 'it did not answer in time.'}`)
      if (error?.code === 'ssh.host-key-unknown') terminal.err(`evenkeel: to see and trust its key: evenkeel trust ${node.id}`)
    }
    for (const service of node.services) {
      if (service.error === null || node.connection.state !== 'connected') continue
      code = exitCodes.unreachable
      terminal.err(`evenkeel: ${service.kind} on ${node.id} was not read: ${service.error.message}`)
    }
  }
  return code
}

function replyFrom(thrown: unknown): ErrorReply {
  if (thrown instanceof CliError) return thrown.reply
  // compose() fails with the application's own errors, which know how to cross the border.
  if (thrown instanceof Error && 'toReply' in thrown && typeof thrown.toReply === 'function')
    return thrown.toReply() as ErrorReply
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { code: 'host.internal', message, effect: 'unknown', details: {} }
}
