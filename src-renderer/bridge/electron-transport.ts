import type { ConsoleBridge } from '../../src-preload/channels.ts'
import type { Transport } from './transport.ts'

/** Frames over the three functions of the preload. The link is open as long as the window exists. */
export function createElectronTransport(bridge: ConsoleBridge): Transport {
  let unsubscribe: (() => void) | null = null
  let deliver: Parameters<Transport['start']>[0] | null = null
  return {
    start(listener) {
      deliver = listener
      unsubscribe = bridge.subscribe((frame) => listener.frame(frame))
      listener.link('open')
    },
    send(frame) {
      if (frame.type === 'cancel') return bridge.cancel(frame.id)
      bridge.call(frame).then(
        (reply) => deliver?.frame(reply),
        (cause: unknown) =>
          deliver?.frame({
            type: 'reply',
            id: frame.id,
            ok: false,
            error: { code: 'request.forbidden', message: String(cause), effect: 'unknown', details: {} },
          }),
      )
    },
    stop() {
      unsubscribe?.()
      deliver = null
    },
  }
}
