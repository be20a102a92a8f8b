import { describe, expect, it } from 'vitest'
import { nextDelayMs } from '../../../../src-renderer/bridge/back-off.ts'
import { createWebSocketTransport } from '../../../../src-renderer/bridge/websocket-transport.ts'

class FakeSocket {
  sent: unknown[] = []
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  send(text: string) {
    this.sent.push(JSON.parse(text))
  }
  close() {
    this.onclose?.({ code: 1000 })
  }
  receive(frame: unknown) {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }
}

function rig() {
  const sockets: FakeSocket[] = []
  const links: string[] = []
  const frames: unknown[] = []
  const waits: (() => void)[] = []
  let token = 'ticket'
  const transport = createWebSocketTransport({
    url: 'ws://127.0.0.1:1/rpc',
    token: () => token,
    keepToken: (next) => (token = next),
    open: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket as unknown as WebSocket
    },
    schedule: (run) => {
      waits.push(run)
      return () => waits.splice(0)
    },
  })
  transport.start({ link: (state) => links.push(state), frame: (frame) => frames.push(frame) })
  const newest = () => {
    const socket = sockets.at(-1)
    if (!socket) throw new Error('nothing was dialled')
    return socket
  }
  return { transport, sockets, newest, links, frames, waits }
}

describe('WebSocket transport', () => {
  it('says its token first and is open only after hello', () => {
    const { transport, newest, links } = rig()
    newest().onopen?.()
    transport.send({ type: 'cancel', id: 'early' })
    expect(newest().sent).toEqual([{ type: 'authenticate', token: 'ticket' }])
    expect(links).toEqual(['connecting'])
    newest().receive({ type: 'hello', protocol: 1 })
    transport.send({ type: 'cancel', id: 'later' })
    expect(links).toEqual(['connecting', 'open'])
    expect(newest().sent.at(-1)).toEqual({ type: 'cancel', id: 'later' })
  })

  it('keeps the session token it is handed and comes back with it', () => {
    const { newest, waits } = rig()
    newest().onopen?.()
    newest().receive({ type: 'session', token: 'session' })
    newest().receive({ type: 'hello', protocol: 1 })
    newest().onclose?.({ code: 1006 })
    waits[0]?.()
    newest().onopen?.()
    expect(newest().sent).toEqual([{ type: 'authenticate', token: 'session' }])
  })

  it('dials again after a lost link, never after a refused token or another protocol', () => {
    const lost = rig()
    lost.newest().onclose?.({ code: 1006 })
    expect(lost.waits).toHaveLength(1)
    const refused = rig()
    refused.newest().onclose?.({ code: 4401 })
    expect(refused.links.at(-1)).toBe('refused')
    expect(refused.waits).toHaveLength(0)
    const other = rig()
    other.newest().receive({ type: 'hello', protocol: 2 })
    expect(other.links.at(-1)).toBe('refused')
    expect(other.waits).toHaveLength(0)
  })

  it('waits longer each time, up to eight seconds, never more', () => {
    expect([0, 1, 2, 5, 40].map((attempt) => nextDelayMs(attempt, () => 0))).toEqual([250, 500, 1000, 8000, 8000])
    expect(nextDelayMs(40, () => 1)).toBe(6000)
  })
})
