import type { NodeNetwork } from '../../domain/net/endpoint.ts'
import type { CallLimits, NodeSession } from './node-session.ts'

/** What is to be tried on a node. */
export interface NodeQuestions {
  /** as a client of the node's own: host and port */
  reach: readonly { host: string; port: number }[]
  /** files, or folders of files, with certificates; absolute */
  certificates: readonly string[]
}

export interface NodeEvidence {
  /** false: the account may not run this as root, so that owners of sockets, and files that are not for everybody, were not seen */
  asRoot: boolean
  network: NodeNetwork
  /** in the order of the questions; null: a connection came about; `unable`: its sshd forbids connections from there */
  reached: (string | null)[] | 'unable'
  /** the first certificate of each file, PEM without any key; null: there is none, or the file cannot be read */
  certificates: { path: string; pem: string | null }[]
  /** errors of the balancers and of keepalived within the last quarter of an hour, newest last */
  log: string[]
  /** how far the node's clock is ahead of the console's, and how well that is known */
  clock: { offsetMs: number; uncertaintyMs: number }
}

/** Looks at what decides whether a node could take traffic over. Connects from there, and changes nothing. Throws `exec.*`, `ssh.*`. */
export type LookAtNode = (session: NodeSession, questions: NodeQuestions, limits: CallLimits) => Promise<NodeEvidence>
