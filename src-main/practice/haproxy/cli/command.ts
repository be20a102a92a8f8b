import { socketLevels, type SocketLevel } from '../../../domain/haproxy/config-sockets.ts'
import type { Backend, LiveServer } from '../worker/backend.ts'
import type { Worker } from '../worker/worker.ts'
import type { CliSession } from './session.ts'

/** A command of the runtime API. */
export interface CliCommand {
  /** its first words, e.g. `set server` */
  readonly words: string
  /** the least level; below it the answer is `Permission denied` */
  readonly level: SocketLevel
  /** @param args what follows the words; the text is the reply without its last line feed */
  readonly run: (args: readonly string[], context: CliContext) => string
}

interface CliContext {
  readonly worker: Worker
  readonly session: CliSession
}

/** Ends a command with this reply. */
export class Refusal extends Error {}

export const mayAtLeast = (session: CliSession, level: SocketLevel): boolean =>
  socketLevels.indexOf(session.level) >= socketLevels.indexOf(level)

export interface Found {
  backend: Backend
  live: LiveServer
}

/** The server a command names (cli_find_server() of 2.6); `changing` commands are refused by a worker of before a reload. */
export function findServer(worker: Worker, name: string | undefined, changing = true, end = '\n'): Found {
  const [backendName = '', serverName] = (name ?? '').split('/')
  if (name === undefined || serverName === undefined) throw new Refusal(`Require 'backend/server'.${end}`)
  const backend = worker.backends.get(backendName)
  if (backend === undefined) throw new Refusal(`No such backend.${end}`)
  const live = backend.find(serverName)
  if (live === null) throw new Refusal(`No such server.${end}`)
  if (changing && worker.stopping) throw new Refusal(`Proxy is disabled.${end}`)
  return { backend, live }
}
