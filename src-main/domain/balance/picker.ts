/** A server as a balancing algorithm sees it. Servers are listed in the order of the configuration, which decides ties. */
export interface BalanceServer {
  /** the name the caller knows it by */
  readonly id: string
  /** effective weight as the daemon counts it, during a slow start also a fraction; 0 takes no new work */
  readonly weight: number
  /** of one that takes no new work: the weight whose place it keeps in a hash (nginx `down`, HAProxy's configured weight); absent = none */
  readonly keptWeight?: number
  /**
   * what the daemon places it by in a consistent hash: nginx the `server` parameter as written (`198.18.0.21:8000`; absent = the id),
   * HAProxy the server's number (`srv_id` of `show servers state`; absent = its position in the list, from 1)
   */
  readonly hashedBy?: string
}

/** What is known of a server at the moment of choosing. */
export interface ServerLoad {
  /** requests (or connections) the server is working on */
  active(id: string): number
  /** recent average of the response time in milliseconds; null before the first answer */
  responseMs(id: string): number | null
}

export interface PickRequest {
  /** what the hashing algorithms hash: source address, URI, a header; ignored by the others */
  readonly key: string
}

/**
 * One algorithm over one set of servers: the state of a round robin, a ring of hashes. The same code answers what-if questions, predicts
 * a drain and balances in the practice fleet, so that they cannot disagree. Deterministic: what is random asks the source it was made with.
 */
export interface Picker {
  /** Servers came, left or changed weight. Keeps as much of the state as the daemon would. */
  setServers(servers: readonly BalanceServer[]): void
  /** The server for this request; null when none has weight. */
  pick(request: PickRequest, load: ServerLoad): string | null
}
