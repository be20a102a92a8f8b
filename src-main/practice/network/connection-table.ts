import type { Socket } from 'node:net'

import { freezeSocket, type FrozenSocket } from './frozen-socket.ts'
import type { Endpoint } from './loopback.ts'

export interface Established {
  readonly socket: Socket
  readonly local: Endpoint
  readonly remote: Endpoint
  /** whoever holds it now */
  pid: number
  /** within the machine; no cable is involved */
  readonly isInternal: boolean
}

/** The TCP connections of a machine, which stand still while its cable is out. */
export interface ConnectionTable {
  add(connection: Established): void
  /** Those whose owner has not given them up. */
  list(): Established[]
  /** Keeps a caller that came while the cable was out; `accept` gets it when the cable is back, if it still waits. */
  hold(socket: Socket, accept: () => void): void
  setLink(up: boolean): void
  /** Gives up everything, frozen or not. */
  cut(): void
}

/** a listener's backlog; a kernel would not keep more either */
const maxHeld = 128

export function createConnectionTable(): ConnectionTable {
  /** with the frozen part of those that stand still */
  const established = new Map<Established, FrozenSocket | null>()
  const held = new Map<Socket, { frozen: FrozenSocket; accept: () => void }>()
  let linkUp = true

  const freeze = ({ socket, isInternal }: Established): FrozenSocket | null =>
    linkUp || isInternal ? null : freezeSocket(socket)

  return {
    add(connection) {
      established.set(connection, freeze(connection))
      connection.socket.once('close', () => {
        // A frozen socket that its owner destroyed stays until the cable is back: the other end has heard nothing.
        if (established.get(connection) === null) established.delete(connection)
      })
    },

    list: () => [...established.keys()].filter(({ socket }) => !socket.destroyed),

    hold(socket, accept) {
      held.set(socket, { frozen: freezeSocket(socket), accept })
      // Whoever called so long ago has given up.
      const [oldest] = held
      if (held.size <= maxHeld || oldest === undefined) return
      held.delete(oldest[0])
      oldest[1].frozen.cut()
    },

    setLink(up) {
      if (up === linkUp) return
      linkUp = up
      for (const [connection, frozen] of [...established]) {
        frozen?.thaw()
        if (connection.socket.destroyed) established.delete(connection)
        else established.set(connection, freeze(connection))
      }
      if (!up) return
      for (const [socket, { frozen, accept }] of held) {
        frozen.thaw()
        if (!socket.destroyed) accept()
      }
      held.clear()
    },

    cut() {
      for (const { frozen } of held.values()) frozen.cut()
      for (const [{ socket }, frozen] of [...established]) {
        if (frozen === null) socket.destroy()
        else frozen.cut()
      }
      held.clear()
      established.clear()
    },
  }
}
