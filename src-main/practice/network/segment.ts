/*
 * An Ethernet segment. Every (address, port) that answers has one real server, owned by the segment and not by a machine; what it accepts
 * is handed to the machine that answers for the address at that moment: the holder that announced it last. So an address moves from one
 * machine to another without anything being bound again, and no client falls between the two.
 */
import type { Socket } from 'node:net'

import type { MachineAddress, PracticeClock } from '../machine/machine.ts'
import type { Endpoint, Loopback, OpenPort } from './loopback.ts'
import { createMachineNetwork, type LocalMachineNetwork } from './machine-network.ts'
import type { Member, Wire } from './wire.ts'

export interface Segment {
  /** The `host`th address of this segment, 1 to 4093. */
  address(host: number): MachineAddress
  join(own: MachineAddress, clock: PracticeClock): LocalMachineNetwork
  /** Where outsiders really find an address and port; null: nobody listens there. */
  locate(address: string, port: number): Promise<Endpoint | null>
  /** Takes everything down: ports, connections, and what waits for a cable. */
  close(): Promise<void>
}

const prefixLength = 20
const hostsPerSegment = 2 ** (32 - prefixLength)

/** `index`: 0 to 14, one for each segment of a loopback network. */
export function createSegment(loopback: Loopback, index: number): Segment {
  const members = new Set<Member>()
  /** per address those that hold it; the last one answers */
  const holders = new Map<string, Member[]>()
  const ports = new Map<string, Map<number, OpenPort>>()
  const changed = new Map<string, Set<number>>()
  /** Who really is behind a port of 127.0.0.1, where a machine could not call from its own address. */
  const sources = new Map<number, Endpoint>()

  const ownerOf = (address: string): Member | null => holders.get(address)?.at(-1) ?? null

  function refresh(address: string, these: Iterable<number>): void {
    if (!loopback.has(address)) return
    // Later, so that a listener that is closed and opened in one go keeps its server.
    if (changed.size === 0) queueMicrotask(settle)
    const all = changed.get(address) ?? new Set()
    for (const port of these) all.add(port)
    changed.set(address, all)
  }

  function settle(): void {
    for (const [address, these] of changed) {
      const open = ports.get(address) ?? new Map<number, OpenPort>()
      ports.set(address, open)
      for (const port of these) {
        const isWanted = ownerOf(address)?.wants(address, port) ?? false
        const present = open.get(port)
        if (isWanted && present === undefined) {
          open.set(
            port,
            loopback.open({ address, port }, (socket) => arrive(socket, { address, port })),
          )
        } else if (!isWanted && present !== undefined) {
          open.delete(port)
          void present.close()
        }
      }
    }
    changed.clear()
  }

  function arrive(socket: Socket, local: Endpoint): void {
    const owner = ownerOf(local.address)
    if (owner === null) socket.resetAndDestroy()
    else if (loopback.isNative) owner.arrive(socket, local)
    // Both ends are in this process: by then the caller's end has said which machine it is.
    else setImmediate(() => owner.arrive(socket, local))
  }

  /** After the owner of an address may have changed. */
  function refreshAll(address: string, former: Member | null): void {
    const owner = ownerOf(address)
    if (owner !== former) refresh(address, [...(ports.get(address)?.keys() ?? []), ...(owner?.wantedPorts(address) ?? [])])
  }

  async function locate(address: string, port: number): Promise<Endpoint | null> {
    settle()
    return (await ports.get(address)?.get(port)?.ready) ?? null
  }

  const wire: Wire = {
    hold(member, address) {
      const former = ownerOf(address)
      holders.set(address, [member, ...(holders.get(address) ?? [])])
      refreshAll(address, former)
    },
    drop(member, address) {
      const former = ownerOf(address)
      const rest = (holders.get(address) ?? []).filter((holder) => holder !== member)
      if (rest.length === 0) holders.delete(address)
      else holders.set(address, rest)
      refreshAll(address, former)
    },
    announce(member, address) {
      const former = ownerOf(address)
      const all = holders.get(address) ?? []
      if (!all.includes(member)) return
      holders.set(address, [...all.filter((holder) => holder !== member), member])
      refreshAll(address, former)
    },
    ownerOf,
    refresh,
    locate,
    send(from, packet, source) {
      queueMicrotask(() => {
        for (const member of members) if (member !== from) member.receive(packet, source)
      })
    },
    callerOf(socket) {
      const caller = { address: socket.remoteAddress ?? '0.0.0.0', port: socket.remotePort ?? 0 }
      return caller.address === '127.0.0.1' ? (sources.get(caller.port) ?? caller) : caller
    },
    connected(socket, source) {
      const port = socket.localPort
      if (port === undefined || socket.localAddress === source.address) return
      sources.set(port, source)
      socket.once('close', () => sources.delete(port))
    },
  }

  return {
    address(host) {
      if (host < 1 || host > hostsPerSegment - 3) throw new Error(`A practice segment has no host ${host}.`)
      const number = index * hostsPerSegment + host
      return { address: `127.${loopback.network}.${number >> 8}.${number & 255}`, prefixLength }
    },

    join(own, clock) {
      const member = createMachineNetwork({ own, clock, wire, loopback })
      members.add(member)
      return member
    },

    locate,

    async close() {
      changed.clear()
      for (const member of members) member.cut()
      members.clear()
      holders.clear()
      const open = [...ports.values()].flatMap((ofAddress) => [...ofAddress.values()])
      ports.clear()
      await Promise.all(open.map((port) => port.close()))
    },
  }
}
