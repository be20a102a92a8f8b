import { Agent, type ClientRequestArgs } from 'node:http'
import type { Duplex } from 'node:stream'
import type { MachineNetwork } from '../../machine/machine.ts'

/** Connections to servers over the machine's network, kept between requests at most `idle` to each. */
export class ServerAgent extends Agent {
  readonly #connect: MachineNetwork['connect']
  readonly #from: { pid: number; timeoutMs: number }

  constructor(network: MachineNetwork, from: { pid: number; timeoutMs: number }, idle: number) {
    super({ keepAlive: idle > 0, maxFreeSockets: idle, scheduling: 'lifo' })
    this.#connect = (to) => network.connect(to)
    this.#from = from
  }

  override createConnection(
    { host, port }: ClientRequestArgs,
    created: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#connect({ ...this.#from, address: host ?? '', port: Number(port) }).then(
      (socket) => created(null, socket),
      // Node passes a stream only where there is no error; its type does not say so.
      (thrown: Error) => created(thrown, undefined as never),
    )
  }
}
