import type { Connection, Listener, MachineNetwork } from '../machine/machine.ts'
import type { Binding, ListenerSet } from './traffic.ts'

/** @param pid the process that holds the sockets over reloads: the master */
export function createListenerSet(network: MachineNetwork, pid: number): ListenerSet {
  interface Held {
    readonly listener: Listener
    /** changes hands */
    accept: (connection: Connection) => void
  }
  let held = new Map<string, Held>()

  function open({ address, port, nonlocal, accept }: Binding): Held {
    const one: Held = {
      accept,
      listener: network.listen({ address, port, pid, nonlocal }, (connection) => one.accept(connection)),
    }
    return one
  }

  return {
    replace(bindings, acceptedBy = pid) {
      const next = new Map<string, Held>()
      const opened: Listener[] = []
      try {
        for (const binding of bindings) {
          const key = `${binding.address}:${binding.port}`
          const kept = held.get(key)
          const one = kept ?? open(binding)
          if (kept === undefined) opened.push(one.listener)
          next.set(key, one)
        }
      } catch (thrown) {
        for (const listener of opened) listener.close()
        throw thrown
      }
      for (const binding of bindings) {
        const one = next.get(`${binding.address}:${binding.port}`)
        if (one === undefined) continue
        one.accept = binding.accept
        one.listener.giveTo(acceptedBy)
      }
      for (const [key, { listener }] of held) if (!next.has(key)) listener.close()
      held = next
    },
    bindings: () => [...held.values()].map(({ listener: { address, port } }) => ({ address, port })),
    close() {
      for (const { listener } of held.values()) listener.close()
      held = new Map()
    },
  }
}
