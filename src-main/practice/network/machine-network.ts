import type { Socket } from 'node:net'

import {
  PosixError,
  type Connection,
  type MachineAddress,
  type MachineNetwork,
  type PracticeClock,
  type SocketEntry,
} from '../machine/machine.ts'
import { createConnectionTable, type Established } from './connection-table.ts'
import { dial, type Unreachable } from './dial.ts'
import type { Endpoint, Loopback, OpenPort } from './loopback.ts'
import type { Member, Wire } from './wire.ts'

/** What the machine itself does with its network. */
export interface LocalMachineNetwork extends MachineNetwork, Member {
  /** The kernel closes what an ended process left open. */
  endProcess(pid: number): void
  /** Link down, listeners and added addresses gone. */
  powerOff(): void
}

interface Listening {
  address: string
  port: number
  pid: number
  onConnection: (connection: Connection) => void
}

/** The kernel asks three times for an address on the segment, a second apart, before it gives up. */
const neighbourTimeoutMs = 3000
const isLocalhost = (address: string): boolean => address.startsWith('127.0.0.')

export function createMachineNetwork(options: {
  own: MachineAddress
  clock: PracticeClock
  wire: Wire
  loopback: Loopback
}): LocalMachineNetwork {
  const { own, clock, wire, loopback } = options
  let addresses: MachineAddress[] = []
  let linkUp = true
  let advertsBlocked = false
  /** by `address:port` */
  const listeners = new Map<string, Listening>()
  const connections = createConnectionTable()
  const receivers = new Set<(packet: Buffer, source: string) => void>()
  /** What answered before the power went: callers there wait, and are not refused. */
  const dark = new Map<string, Listening>()
  /** doors for callers on this machine itself, by `address:port` */
  const internalPorts = new Map<string, OpenPort>()

  const holds = (address: string): boolean => addresses.some((held) => held.address === address)

  function listenerAt(address: string, port: number, among: ReadonlyMap<string, Listening> = listeners): Listening | null {
    return among.get(`${address}:${port}`) ?? among.get(`*:${port}`) ?? null
  }

  /** A wildcard listener is at every address of the machine. */
  function refresh({ address, port }: Endpoint): void {
    for (const at of address === '*' ? addresses.map((held) => held.address) : [address]) wire.refresh(at, [port])
    for (const [key, door] of internalPorts) {
      const [doorAddress = '', doorPort] = key.split(':')
      if (Number(doorPort) !== port || listenerAt(doorAddress, port) !== null) continue
      internalPorts.delete(key)
      void door.close()
    }
  }

  function stopListening(listening: Listening): void {
    const key = `${listening.address}:${listening.port}`
    if (listeners.get(key) !== listening) return
    listeners.delete(key)
    refresh(listening)
  }

  function accept(socket: Socket, local: Endpoint, isInternal: boolean): void {
    const listening = listenerAt(local.address, local.port)
    if (listening === null || socket.destroyed) return void socket.resetAndDestroy()
    const remote = wire.callerOf(socket)
    const held: Established = { socket, local, remote, pid: listening.pid, isInternal }
    connections.add(held)
    listening.onConnection({ socket, local, remote, giveTo: (pid) => (held.pid = pid) })
  }

  /** A door of this machine alone: for 127.0.0.1, and for its own addresses whoever else answers for them outside. */
  async function locateInternal(address: string, port: number): Promise<Endpoint | null> {
    if (listenerAt(address, port) === null) return null
    const key = `${address}:${port}`
    const door =
      internalPorts.get(key) ??
      loopback.open({ address: '127.0.0.1', port: 0 }, (socket) => acceptInternal(socket, { address, port }))
    internalPorts.set(key, door)
    return door.ready
  }

  function acceptInternal(socket: Socket, local: Endpoint): void {
    if (loopback.isNative) accept(socket, local, true)
    else setImmediate(() => accept(socket, local, true))
  }

  /** Where `to` really is, or how the attempt fails: at once, or after a wait. */
  async function route(to: Endpoint, isInternal: boolean): Promise<Endpoint | Unreachable> {
    if (!isInternal) {
      if (!loopback.has(to.address) || addresses.length === 0) return { code: 'EHOSTUNREACH', afterMs: 0 }
      const owner = wire.ownerOf(to.address)
      if (!linkUp || owner === null) return { code: 'EHOSTUNREACH', afterMs: neighbourTimeoutMs }
      if (!owner.linkUp) return { code: 'ETIMEDOUT', afterMs: Infinity }
    }
    const found = await (isInternal ? locateInternal(to.address, to.port) : wire.locate(to.address, to.port))
    return found ?? { code: 'ECONNREFUSED', afterMs: 0 }
  }

  const network: LocalMachineNetwork = {
    interfaceName: 'eth0',
    addresses: () => [...addresses],

    addAddress(added) {
      if (holds(added.address)) throw new PosixError('EEXIST')
      addresses.push(added)
      wire.hold(network, added.address)
    },

    removeAddress(address) {
      if (!holds(address)) throw new PosixError('EADDRNOTAVAIL')
      addresses = addresses.filter((held) => held.address !== address)
      wire.drop(network, address)
      for (const { socket, local } of connections.list()) if (local.address === address) socket.resetAndDestroy()
    },

    announce(address) {
      if (linkUp) wire.announce(network, address)
    },

    listen({ address, port, pid, nonlocal = false }, onConnection) {
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new PosixError('EINVAL')
      if (address !== '*' && !isLocalhost(address) && !nonlocal && !holds(address)) throw new PosixError('EADDRNOTAVAIL')
      const isTaken =
        address === '*' ? [...listeners.values()].some((other) => other.port === port) : listenerAt(address, port) !== null
      if (isTaken) throw new PosixError('EADDRINUSE')
      const listening: Listening = { address, port, pid, onConnection }
      listeners.set(`${address}:${port}`, listening)
      refresh(listening)
      return { address, port, giveTo: (owner) => (listening.pid = owner), close: () => stopListening(listening) }
    },

    connect({ address, port, pid, timeoutMs }) {
      const remote = { address, port }
      const isInternal = isLocalhost(address) || holds(address)
      const source = isInternal ? address : (addresses[0]?.address ?? address)
      return dial({
        clock,
        timeoutMs,
        route: () => route(remote, isInternal),
        open: (to) => loopback.connect(to, source),
        reached(socket) {
          const local = { address: source, port: socket.localPort ?? 0 }
          wire.connected(socket, local)
          connections.add({ socket, local, remote, pid, isInternal })
        },
      })
    },

    endConnection(local, remote) {
      const same = (one: Endpoint, other: Endpoint): boolean => one.address === other.address && one.port === other.port
      for (const { socket, ...ends } of connections.list())
        if (same(ends.local, local) && same(ends.remote, remote)) socket.resetAndDestroy()
    },

    sockets() {
      const listening = [...listeners.values()].map(({ address, port, pid }): SocketEntry => ({
        state: 'LISTEN',
        local: { address, port },
        remote: null,
        pid,
        ...{ bytesSent: 0, bytesReceived: 0 },
      }))
      const open = connections.list().map(({ socket, local, remote, pid }): SocketEntry => ({
        ...{ state: 'ESTAB', local, remote, pid },
        ...{ bytesSent: socket.bytesWritten, bytesReceived: socket.bytesRead },
      }))
      return [...listening, ...open]
    },

    sendToSegment(packet, source) {
      if (linkUp && !advertsBlocked) wire.send(network, packet, source)
    },

    onSegment(receive) {
      receivers.add(receive)
      return () => receivers.delete(receive)
    },

    receive(packet, source) {
      if (!linkUp || advertsBlocked) return
      for (const receive of [...receivers]) receive(packet, source)
    },

    setLink(up) {
      if (up === linkUp) return
      linkUp = up
      if (up) {
        const forgotten = [...dark.values()]
        dark.clear()
        for (const listening of forgotten) refresh(listening)
      }
      connections.setLink(up)
    },

    get linkUp() {
      return linkUp
    },

    setAdvertsBlocked(blocked) {
      advertsBlocked = blocked
    },

    wants: (address, port) => listenerAt(address, port) !== null || listenerAt(address, port, dark) !== null,

    wantedPorts: (address) =>
      [...listeners.values(), ...dark.values()]
        .filter((one) => one.address === '*' || one.address === address)
        .map((one) => one.port),

    arrive(socket, local) {
      if (linkUp) accept(socket, local, false)
      else connections.hold(socket, () => accept(socket, local, false))
    },

    endProcess(pid) {
      for (const listening of [...listeners.values()]) if (listening.pid === pid) stopListening(listening)
      for (const connection of connections.list()) if (connection.pid === pid) connection.socket.destroy()
    },

    powerOff() {
      network.setLink(false)
      for (const [key, listening] of listeners) dark.set(key, listening)
      listeners.clear()
      receivers.clear()
      for (const { address } of addresses.slice(1)) network.removeAddress(address)
      for (const { socket } of connections.list()) socket.destroy()
      for (const door of internalPorts.values()) void door.close()
      internalPorts.clear()
    },

    cut() {
      connections.cut()
      for (const door of internalPorts.values()) void door.close()
      internalPorts.clear()
      listeners.clear()
      dark.clear()
      receivers.clear()
    },
  }
  network.addAddress(own)
  network.announce(own.address)
  return network
}
