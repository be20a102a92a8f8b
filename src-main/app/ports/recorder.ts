import type { NodeSession } from './node-session.ts'

/** What is asked, and how often. A probe is sent every `everyMs` whether or not those before it have been answered. */
export interface ProbeTarget {
  host: string
  port: number
  /** `tcp`: a connection is accepted; `http`: a GET over a new connection is answered with a status below 500 */
  kind: 'tcp' | 'http'
  /** of the GET */
  path: string
  /** A handshake comes first, and counts as the answer where `kind` is `tcp`. Whose certificate it is does not matter here. */
  tls?: boolean | undefined
  /** asked for by `Host` and by SNI; default: the address, and no SNI */
  hostName?: string | undefined
  /** where a WebSocket is opened and kept, beside the other connection; default: none is */
  webSocketPath?: string | undefined
  everyMs: number
  /** a probe without an answer for this long has failed */
  timeoutMs: number
}

export type ProbeOutcome = 'answered' | 'bad-answer' | 'refused' | 'reset' | 'unreachable' | 'timeout'

/** One probe. Times are milliseconds with fractions; `at` is since the epoch, on the console's clock. */
export interface RecordedProbe {
  at: number
  /** until its answer, or until it had failed */
  tookMs: number
  /** until the connection was accepted; null: it never was */
  connectMs: number | null
  outcome: ProbeOutcome
  /** the outcome is `answered` */
  ok: boolean
}

/** How far another clock is ahead of the console's, from the exchange with the shortest delay; next to nothing for the console itself. */
export interface ClockOffset {
  offsetMs: number
  /** half of that exchange's round trip: the true offset is within it */
  uncertaintyMs: number
}

/**
 * A connection that was opened at the start of a recording and kept: with `keep-alive` it asks again every 200 ms, a `websocket` pings as
 * often, and over `tcp` it is silent but for the kernel's keep-alive.
 */
export interface HeldConnection {
  what: 'tcp' | 'keep-alive' | 'websocket'
  openedAt: number
  /** its own port: by it a node can be asked whether it still believes in this connection */
  localPort: number
  /** `open`: alive until the end of the recording; `frozen`: neither ended nor answered for as long as a probe may take */
  ending: 'open' | 'frozen' | 'closed' | 'reset'
  /** null: it did not end */
  endedAt: number | null
  /** the longest time without an answer to a question that stood; 0 over `tcp` */
  longestSilenceMs: number
}

export interface RecordedProbes {
  /** in the order in which they were sent; one that was under way at `stop` is waited for */
  probes: RecordedProbe[]
  clock: ClockOffset
  /** each of those that were kept; when one ends, another takes its place after a second */
  held: HeldConnection[]
}

export interface Recording {
  /** as it is known by now; it gets better with time */
  clock(): ClockOffset
  /** Told of each probe within 100 ms of its end, which need not be the order in which they were sent. */
  onProbe(listener: (probe: RecordedProbe) => void): () => void
  /** Resolves with the reason when probes stop coming although nobody stopped them. Never rejects, and stays open otherwise. */
  readonly lost: Promise<Error>
  /** Ends the probes, and gives all that came, also after `lost`. Never rejects. */
  stop(): Promise<RecordedProbes>
}

/** What a node's kernel saw of an address; `at` is on the console's clock. */
export interface AddressSighting {
  at: number
  address: string
  /**
   * `held`: the node has it as the watch begins. `gained`, `lost`: the node got it, gave it up.
   * `announced`: the address is now at `lladdr`, as a neighbour sees it (gratuitous ARP, unsolicited neighbour advertisement).
   */
  kind: 'held' | 'gained' | 'lost' | 'announced'
  /** link-layer address, of `announced` alone */
  lladdr: string | null
}

/** An advert of VRRP that came to a node (RFC 3768 and RFC 5798, section 5); `at` is on the console's clock. */
export interface VrrpAdvert {
  at: number
  /** address of who sent it */
  from: string
  vrid: number
  /** 0: a farewell */
  priority: number
}

export interface AddressWatch {
  clock(): ClockOffset
  /** as `Recording.lost` */
  readonly lost: Promise<Error>
  stop(): Promise<void>
}

/**
 * Imitates clients of a virtual address and watches the kernels of those who hold it, with nothing installed on any node.
 *
 * What runs on a node ends by itself when its connection does, and after `maxMs` at the latest. Errors are those of `NodeSession.exec`,
 * and `exec.not-found` where a node has neither perl nor python3, or for TLS no python3.
 */
export interface Recorder {
  /** Resolves when the first probe is on its way. */
  start(order: { target: ProbeTarget; from: 'console' | NodeSession; maxMs: number; signal: AbortSignal }): Promise<Recording>
  /**
   * Resolves when nothing that happens to the addresses from now on can be missed; `listener` is told at once of those held. Adverts are
   * heard only where the session may become root, and `onAdvert` is never called otherwise.
   */
  watch(order: {
    session: NodeSession
    addresses: readonly string[]
    listener: (sighting: AddressSighting) => void
    onAdvert: (advert: VrrpAdvert) => void
    maxMs: number
    signal: AbortSignal
  }): Promise<AddressWatch>
}
