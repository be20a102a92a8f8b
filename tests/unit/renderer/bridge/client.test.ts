import { describe, expect, it, vi } from 'vitest'
import type { ClientFrame, NodeId } from '#contract'
import { createClient } from '../../../../src-renderer/bridge/client.ts'
import type { Transport, TransportListener } from '../../../../src-renderer/bridge/transport.ts'

function rig() {
  const sent: ClientFrame[] = []
  let listener: TransportListener | undefined
  const transport: Transport = {
    start: (to) => (listener = to),
    send: (frame) => sent.push(frame),
    stop: () => undefined,
  }
  let ids = 0
  const client = createClient(transport, { newId: () => `id${++ids}`, giveUpMs: 1_000 })
  if (!listener) throw new Error('the client did not start its transport')
  return { client, sent, host: listener }
}
const idOf = (frame: ClientFrame | undefined) => frame?.id ?? ''

describe('client', () => {
  it('answers each call with the reply of its id, in whatever order they come', async () => {
    const { client, sent, host } = rig()
    const first = client.call('inventory.export', { format: 'yaml' })
    const second = client.call('inventory.export', { format: 'json' })
    host.frame({ type: 'reply', id: idOf(sent[1]), ok: true, value: { text: 'second' } })
    host.frame({ type: 'reply', id: idOf(sent[0]), ok: true, value: { text: 'first' } })
    expect(await first).toEqual({ text: 'first' })
    expect(await second).toEqual({ text: 'second' })
  })

  it('gives commands a request id and queries none', () => {
    const { client, sent } = rig()
    void client.call('fleet.refresh', {})
    void client.call('settings.get', {})
    expect(sent.map((frame) => 'requestId' in frame)).toEqual([true, false])
  })

  it('sends what is under way again after a break, under the same ids', () => {
    const { client, sent, host } = rig()
    void client.call('node.probe', { node: 'lb1' as NodeId })
    host.link('lost')
    host.link('open')
    expect(sent).toHaveLength(2)
    expect(sent[1]).toEqual(sent[0])
  })

  it('does not send again what was answered', async () => {
    const { client, sent, host } = rig()
    const call = client.call('fleet.refresh', {})
    host.frame({ type: 'reply', id: idOf(sent[0]), ok: true, value: {} })
    await call
    host.link('open')
    expect(sent).toHaveLength(1)
  })

  it('fails with code and effect of the host', async () => {
    const { client, sent, host } = rig()
    const call = client.call('fleet.refresh', {})
    const error = { code: 'host.viewer', message: 'Another shell drives.', effect: 'none', details: {} } as const
    host.frame({ type: 'reply', id: idOf(sent[0]), ok: false, error })
    await expect(call).rejects.toMatchObject({ code: 'host.viewer', effect: 'none', message: 'Another shell drives.' })
  })

  it('gives up after a while without a link: a command may have run, a query changed nothing', async () => {
    vi.useFakeTimers()
    try {
      const { client, host } = rig()
      const command = expect(client.call('fleet.refresh', {})).rejects.toMatchObject({ code: 'bridge.lost', effect: 'unknown' })
      const query = expect(client.call('settings.get', {})).rejects.toMatchObject({ code: 'bridge.lost', effect: 'none' })
      host.link('lost')
      vi.advanceTimersByTime(1_000)
      await command
      await query
    } finally {
      vi.useRealTimers()
    }
  })

  it('asks the host to cancel a call that is aborted, but not one that is answered', async () => {
    const { client, sent, host } = rig()
    const abort = new AbortController()
    const call = client.call('settings.get', {}, { signal: abort.signal })
    host.frame({ type: 'reply', id: idOf(sent[0]), ok: true, value: {} })
    await call
    abort.abort()
    expect(sent).toHaveLength(1)
    const again = new AbortController()
    void client.call('settings.get', {}, { signal: again.signal })
    again.abort()
    expect(sent.at(-1)).toEqual({ type: 'cancel', id: idOf(sent[1]) })
  })

  it('delivers events to their listeners until they leave', () => {
    const { client, host } = rig()
    const heard: unknown[] = []
    const off = client.on('inventory.changed', (payload) => heard.push(payload))
    host.frame({ type: 'event', name: 'inventory.changed', seq: 1, payload: {} })
    off()
    host.frame({ type: 'event', name: 'inventory.changed', seq: 2, payload: {} })
    expect(heard).toEqual([{}])
  })
})
