import type { Duplex, Readable } from 'node:stream'
import type { NodeId } from '#contract'

/** No defaults hidden below: every call says how long it may take and how it is cancelled. */
export interface CallLimits {
  signal: AbortSignal
  timeoutMs: number
}

/** What a command left behind. A non-zero exit is a result, not an exception. */
export interface ExecResult {
  /** null when the command was ended by a signal */
  code: number | null
  /** signal name without `SIG`, null when the command exited by itself */
  signal: string | null
  stdout: Buffer
  stderr: string
  /** the limit on stdout was reached and the rest thrown away */
  truncated: boolean
}

export interface ExecOptions extends CallLimits {
  /** run through `sudo -n` when the node's account needs it; a no-op for root */
  privileged?: boolean
  /** a stream stays open as long as the caller keeps it so; what it holds is sent as it comes */
  stdin?: Buffer | string | Readable
  /** takes stdout as it comes; the result then has none of it, and `maxBytes` bounds nothing */
  onOutput?: (chunk: Buffer) => void
  /** default 64 MiB is not assumed: say it */
  maxBytes: number
}

export interface ReplaceOptions extends CallLimits {
  privileged?: boolean
  /** of the bytes that were read and edited */
  expectSha256: string
  /**
   * A link on the node that only one hand has at a time, taken just before the file is replaced and given back after it. Bytes that come late,
   * when another hand has it or its folder is gone, replace nothing.
   */
  lock?: string
}

/**
 * One node reached over SSH: the whole surface that drivers and services may see.
 *
 * Errors are `AppError` with codes of the `ssh.*`, `exec.*` and `node.*` families. A lost connection after a command may have
 * started carries `effect: 'unknown'`. Nothing here retries and nothing here prompts.
 */
export interface NodeSession {
  readonly nodeId: NodeId
  /** argv, never a command string; quoting for the remote shell happens in one place (transport/ssh/quote.ts) */
  exec(argv: readonly [string, ...string[]], options: ExecOptions): Promise<ExecResult>
  /**
   * Open a connection to a unix socket on the node (direct-streamlocal; falls back to a command on the node when the server
   * forbids forwarding). The caller ends it.
   */
  openSocket(path: string, options: CallLimits & { privileged?: boolean }): Promise<Duplex>
  /**
   * A TCP connection from the node itself; the caller ends it.
   * @throws AppError `exec.failed`: nobody takes it there; `ssh.channel-refused`: sshd forbids such connections
   */
  openTcp(host: string, port: number, limits: CallLimits): Promise<Duplex>
  readFile(
    path: string,
    options: CallLimits & { privileged?: boolean; maxBytes: number },
  ): Promise<{ bytes: Buffer; sha256: string }>
  /**
   * Puts `bytes` in the place of a file that was read before, at once and whole; owner, mode and what a symlink points to stay.
   * @throws AppError `config.changed-on-node`, `config.write-failed`, `exec.not-found`, `exec.not-permitted`, all of effect `none`
   */
  replaceFile(path: string, bytes: Buffer, options: ReplaceOptions): Promise<{ sha256: string }>
  /** bytes received and sent over this node's connection since it was opened; the cost of polling is shown from it */
  traffic(): { received: number; sent: number }
}

/** How a node's one connection is doing. Emitted on every change. */
export interface ConnectionStatus {
  state: 'idle' | 'connecting' | 'connected' | 'waiting' | 'refused'
  since: number
  error: Error | null
  attempts: number
  retryAt: number | null
  roundTripMs: number | null
}

/**
 * The pool of connections: one per node, opened at first use, shared, at most `maxParallelDials` handshakes at once.
 */
export interface NodeSessions {
  /** Resolves once connected. Rejects at once with the last error while the node is `refused` or backing off (unless `force`). */
  session(nodeId: NodeId, options: CallLimits & { force?: boolean }): Promise<NodeSession>
  status(nodeId: NodeId): ConnectionStatus
  onStatus(listener: (nodeId: NodeId, status: ConnectionStatus) => void): () => void
  /** Forget back-off and refusal, e.g. after a key was trusted or the operator pressed retry. */
  reset(nodeId: NodeId): void
  /** Close and forget, e.g. after the node was removed or its target changed. */
  drop(nodeId: NodeId): Promise<void>
  close(): Promise<void>
}
