import { connect } from 'node:net'

export interface Behaviour {
  /** status code of `GET /health`; other paths answer 200 always */
  health: number
  /** waiting time before an HTTP answer or a TCP greeting */
  latencyMs: number
  /** what the agent says, e.g. `up 50%`, `drain`, `maint`, `ready` */
  agent: string
}

export const defaultBehaviour: Behaviour = { health: 200, latencyMs: 0, agent: 'up 100%' }

/** What is left out stays as it is. Without a name it is meant for all. */
export interface Order {
  backend?: string
  running?: boolean
  behaviour?: Partial<Behaviour>
}

/** What a backend itself has had of clients since it started, health checks aside. */
export interface OwnView {
  /** requests that it is answering, and connections of WebSocket and TCP */
  busy: number
  /** requests it was given, and pieces of data that came over WebSocket and TCP */
  heard: number
  /** when it was last busy, or last heard something: epoch in ms */
  lastAt: number
}

export type BackendState = Behaviour & { address: string; running: boolean; clients: OwnView }

/** Tell the backends what to do; resolves, once done, with the state of those it was meant for. */
export function order(controlSocket: string, what: Order): Promise<Record<string, BackendState>> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlSocket)
    let text = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error('The backends did not answer within 10 seconds.')))
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('error', reject)
    socket.on('end', () => {
      const reply = JSON.parse(text) as Record<string, BackendState> | { error: string }
      if (typeof reply['error'] === 'string') reject(new Error(reply['error']))
      else resolve(reply as Record<string, BackendState>)
    })
    socket.end(JSON.stringify(what))
  })
}
