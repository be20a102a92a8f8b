import { request } from 'node:http'
import { PosixError, type Program, type ProgramCall } from '../machine/machine.ts'
import { word, WordError } from './word.ts'

interface Reply {
  status: number
  head: string
  body: Buffer
}

/** Real HTTP, and only to addresses of the practice network. Rejects with PosixError. */
async function fetchPage(
  call: ProgramCall,
  url: URL,
  { timeoutMs, method }: { timeoutMs: number; method: string },
): Promise<Reply> {
  const { network } = call.machine
  const port = url.port === '' ? 80 : Number(url.port)
  const address = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname
  const socket = await network.connect({ address, port, pid: call.pid, timeoutMs })
  return new Promise((resolve, reject) => {
    const outgoing = request({
      createConnection: () => socket,
      method,
      path: url.pathname + url.search,
      headers: { host: url.host, 'user-agent': 'curl/7.88.1', accept: '*/*' },
    })
    const fail = (code: 'ETIMEDOUT' | 'ECONNRESET'): void => {
      socket.destroy()
      reject(new PosixError(code))
    }
    const cancel = call.machine.clock.after(timeoutMs, () => fail('ETIMEDOUT'))
    call.signal.addEventListener('abort', () => fail('ECONNRESET'), { once: true })
    outgoing.on('error', () => fail('ECONNRESET'))
    outgoing.on('response', (reply) => {
      const chunks: Buffer[] = []
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.on('error', () => fail('ECONNRESET'))
      reply.on('end', () => {
        cancel()
        socket.destroy()
        const headers = reply.rawHeaders.flatMap((name, index) =>
          index % 2 === 0 ? [`${name}: ${reply.rawHeaders[index + 1] ?? ''}`] : [],
        )
        const head = [
          `HTTP/${reply.httpVersion} ${reply.statusCode ?? 0} ${reply.statusMessage ?? ''}`,
          ...headers,
          '',
          '',
        ].join('\r\n')
        resolve({ status: reply.statusCode ?? 0, head, body: Buffer.concat(chunks) })
      })
    })
    outgoing.end()
  })
}

function practiceUrl(text: string, code: number): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null) throw new WordError('(3) URL using bad/illegal format or missing URL', 3)
  if (url.protocol !== 'http:')
    throw new WordError(`(${code}) a practice machine speaks only http, not ${url.protocol.slice(0, -1)}`, code)
  if (!/^(localhost|\d+\.\d+\.\d+\.\d+)$/.test(url.hostname))
    throw new WordError(`(6) Could not resolve host: ${url.hostname}`, 6)
  return url
}

const withValue = new Set([
  '-m',
  '--max-time',
  '--noproxy',
  '--proto',
  '--max-filesize',
  '--url',
  '-o',
  '-w',
  '-X',
  '--connect-timeout',
])

/** curl 7.88's common options; an unknown one is refused with code 2. */
export const curl: Program = word(async (call, words) => {
  const options = new Map<string, string>()
  for (let next = words.shift(); next !== undefined; next = words.shift()) {
    if (!next.startsWith('-')) options.set('--url', next)
    else if (withValue.has(next)) options.set(next, words.shift() ?? '')
    else if (/^-[gsSfiIv]+$/.test(next)) for (const letter of next.slice(1)) options.set(`-${letter}`, '')
    else throw new WordError(`option ${next}: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information`, 2)
  }
  const target = options.get('--url')
  if (target === undefined) throw new WordError("try 'curl --help' or 'curl --manual' for more information", 2)
  const quiet = options.has('-s') && !options.has('-S')
  try {
    const timeoutMs = Number(options.get('-m') ?? options.get('--max-time') ?? 300) * 1000
    const method = options.get('-X') ?? (options.has('-I') ? 'HEAD' : 'GET')
    const reply = await fetchPage(call, practiceUrl(target, 1), { timeoutMs, method })
    if (options.has('-f') && reply.status >= 400)
      throw new WordError(`(22) The requested URL returned error: ${reply.status}`, 22)
    if (reply.body.length > Number(options.get('--max-filesize') ?? Infinity))
      throw new WordError('(63) Maximum file size exceeded', 63)
    if (options.has('-i') || options.has('-I')) call.stdout(reply.head)
    const output = options.get('-o')
    if (output === undefined || output === '-') call.stdout(reply.body)
    else if (output !== '/dev/null')
      call.machine.files.write(output.startsWith('/') ? output : `${call.cwd}/${output}`, reply.body, { uid: call.uid })
    call.stdout((options.get('-w') ?? '').replaceAll('%{http_code}', String(reply.status)).replaceAll('\\n', '\n'))
    return 0
  } catch (thrown) {
    const failure = curlFailure(thrown, target)
    if (quiet) return failure.code
    throw failure
  }
})

function curlFailure(thrown: unknown, target: string): WordError {
  if (thrown instanceof WordError) return thrown
  if (!(thrown instanceof PosixError)) throw thrown
  if (thrown.code === 'ETIMEDOUT') return new WordError(`(28) Operation timed out`, 28)
  if (thrown.code === 'ECONNRESET') return new WordError('(56) Recv failure: Connection reset by peer', 56)
  const url = URL.parse(target)
  return new WordError(
    `(7) Failed to connect to ${url?.hostname ?? target} port ${url?.port || 80} after 0 ms: Couldn't connect to server`,
    7,
  )
}
