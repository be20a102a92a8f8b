import { once } from 'node:events'
import { createMachine } from '../../../../src-main/practice/machine/create-machine.ts'
import type { Machine, PracticeClock, RunResult } from '../../../../src-main/practice/machine/machine.ts'
import { claimLoopback } from '../../../../src-main/practice/network/loopback.ts'
import { createSegment } from '../../../../src-main/practice/network/segment.ts'
import { runHaproxy } from '../../../../src-main/practice/haproxy/program.ts'

/** A practice machine with HAProxy installed and not yet started. */
export interface Balancer {
  readonly machine: Machine
  write(config: string): void
  /** `-W -S /run/master.sock -f /etc/haproxy/haproxy.cfg`, and whatever else */
  start(...more: string[]): Promise<RunResult>
  /** `haproxy -c` */
  check(config: string): Promise<RunResult>
  /** everything a socket answers to one line, and then the end of the stream from this side */
  ask(socket: 'admin' | 'operator' | 'user' | 'master', line: string): Promise<string>
  close(): Promise<void>
}

export const configPath = '/etc/haproxy/haproxy.cfg'

export async function aBalancer(clock: PracticeClock): Promise<Balancer> {
  const loopback = await claimLoopback({ native: false })
  const segment = createSegment(loopback, 0)
  const machine = createMachine({ name: 'lb1', clock, segment, address: segment.address(1) })
  machine.programs.install('/usr/sbin/haproxy', runHaproxy)
  machine.files.makeDirectory('/etc/haproxy', { parents: true })
  const write = (config: string): void => machine.files.write(configPath, config)
  return {
    machine,
    write,
    start: (...more) => machine.run(['/usr/sbin/haproxy', '-W', '-S', '/run/master.sock', '-f', configPath, ...more]),
    check(config) {
      write(config)
      return machine.run(['/usr/sbin/haproxy', '-c', '-f', configPath])
    },
    async ask(socket, line) {
      const stream = machine.sockets.connect(`/run/${socket}.sock`, 0)
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      const ended = once(stream, 'end')
      stream.end(`${line}\n`)
      await ended
      return Buffer.concat(chunks).toString('latin1')
    },
    async close() {
      await machine.powerOff()
      await segment.close()
      await loopback.close()
    },
  }
}
