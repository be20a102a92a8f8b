import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import sirv from 'sirv'
import type { Dispatcher } from '../../app/dispatcher.ts'
import type { Caller } from '../../app/handlers-type.ts'
import { isLoopbackHost, SECURITY_HEADERS } from './http-policy.ts'
import { createTokens } from './tokens.ts'
import { bindWebSocket } from './websocket-binding.ts'

/**
 * The browser shell's server. Model: bound to 127.0.0.1 only; serves nothing but the files of the built window (listed once at start);
 * everything else needs the token that is made anew for each launch and travels in the URL fragment, which browsers never send.
 * Not guaranteed: another process of the same user, or root, can read this process's memory. Nobody else can.
 */
export interface BrowserServer {
  /** `http://127.0.0.1:<port>/#token=…`, for the terminal */
  readonly url: string
  /** the same with a one-time ticket, fit for a command line */
  ticketUrl(): string
  readonly port: number
  close(): Promise<void>
}

export interface ServerOptions {
  dispatcher: Dispatcher
  caller: Caller
  /** folder of the built window */
  windowFolder: string
  /** 0 = any free port */
  port: number
  onWindows?: (count: number) => void
}

export async function startServer(options: ServerOptions): Promise<BrowserServer> {
  const tokens = createTokens()
  const files = sirv(options.windowFolder, { etag: true, dotfiles: false })
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
    const refuse = (status: number, text: string): void => {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end(`${text}\n`)
    }
    if (!isLoopbackHost(request.headers.host)) return refuse(403, 'Evenkeel answers only to 127.0.0.1 and localhost.')
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Only GET.')
    if (request.url === '/healthz') return refuse(200, 'ok')
    files(request, response, () => refuse(404, 'Not found.'))
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  const rpc = bindWebSocket(server, {
    dispatcher: options.dispatcher,
    caller: options.caller,
    tokens,
    ...(options.onWindows ? { onWindows: options.onWindows } : {}),
  })
  await listen(server, options.port)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/#token=${tokens.session}`,
    ticketUrl: () => `http://127.0.0.1:${port}/#token=${tokens.issueTicket()}`,
    port,
    async close() {
      rpc.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
