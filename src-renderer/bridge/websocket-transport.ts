import type { HostFrame } from '#contract'
import { nextDelayMs } from './back-off.ts'
import type { LinkState, Transport, TransportListener } from './transport.ts'

/** The version of contract/envelope.ts this window was built for; typed by it, so that a change there fails the build here. */
const PROTOCOL: typeof import('#contract').PROTOCOL = 1
/** The host closes with this when it does not know the token; dialling again would not help. */
const WRONG_TOKEN = 4401

/** Sent once, before `hello`, to a window that came with a one-time ticket. */
interface SessionFrame {
  type: 'session'
  token: string
}

interface Parts {
  url: string
  /** asked before every dial: a one-time ticket is exchanged for the session token on the first one */
  token: () => string
  keepToken: (token: string) => void
  /** injected by tests */
  open?: (url: string) => WebSocket
  schedule?: (run: () => void, ms: number) => () => void
}

const timer = (run: () => void, ms: number) => {
  const id = setTimeout(run, ms)
  return () => clearTimeout(id)
}

/**
 * Frames over one WebSocket. The first frame is the launch token; the host answers `hello` and only then is the link open.
 * A lost socket is dialled again with growing pauses, for as long as the window lives.
 */
export function createWebSocketTransport({
  url,
  token,
  keepToken,
  open = (u) => new WebSocket(u),
  schedule = timer,
}: Parts): Transport {
  let listener: TransportListener | null = null
  let socket: WebSocket | null = null
  let ready = false
  let attempt = 0
  let unschedule = () => {}

  const tell = (state: LinkState) => listener?.link(state)

  function dial() {
    tell('connecting')
    const dialled = open(url)
    socket = dialled
    dialled.onopen = () => dialled.send(JSON.stringify({ type: 'authenticate', token: token() }))
    dialled.onmessage = (message: MessageEvent<string>) => receive(JSON.parse(message.data) as HostFrame | SessionFrame)
    dialled.onclose = (event) => {
      if (socket !== dialled) return
      socket = null
      ready = false
      if (event.code === WRONG_TOKEN) return tell('refused')
      tell('lost')
      unschedule = schedule(dial, nextDelayMs(attempt++))
    }
  }

  function receive(frame: HostFrame | SessionFrame) {
    if (frame.type === 'session') return keepToken(frame.token)
    if (frame.type !== 'hello') return listener?.frame(frame)
    if (frame.protocol !== PROTOCOL) {
      const stale = socket
      socket = null
      stale?.close()
      return tell('refused')
    }
    ready = true
    attempt = 0
    tell('open')
  }

  return {
    start(to) {
      listener = to
      dial()
    },
    send(frame) {
      if (ready) socket?.send(JSON.stringify(frame))
    },
    stop() {
      unschedule()
      const closing = socket
      socket = null
      listener = null
      closing?.close()
    },
  }
}
