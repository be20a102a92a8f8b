import type { EventFrame, ReplyFrame } from '../../src-preload/channels.ts'
import type { ClientFrame } from '#contract'

/** `refused`: the host will never accept this window as it is (bad token, other protocol); trying again is pointless. */
export type LinkState = 'connecting' | 'open' | 'lost' | 'refused'

export interface TransportListener {
  frame(frame: ReplyFrame | EventFrame): void
  link(state: LinkState): void
}

/** Carries frames to one host and back. What is sent while the link is not open is dropped: the client sends it again. */
export interface Transport {
  start(listener: TransportListener): void
  send(frame: ClientFrame): void
  stop(): void
}
