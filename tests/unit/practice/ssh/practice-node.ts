import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeSessions } from '../../../../src-main/app/ports/node-session.ts'
import { createMachine } from '../../../../src-main/practice/machine/create-machine.ts'
import type { Machine } from '../../../../src-main/practice/machine/machine.ts'
import { systemClock } from '../../../../src-main/practice/machine/system-clock.ts'
import { claimLoopback } from '../../../../src-main/practice/network/loopback.ts'
import { createSegment } from '../../../../src-main/practice/network/segment.ts'
import { authorizeKey } from '../../../../src-main/practice/ssh/accounts.ts'
import { type KeyPair, newKeyPair } from '../../../../src-main/practice/ssh/host-key.ts'
import { type SshServer, startSshServer } from '../../../../src-main/practice/ssh/ssh-server.ts'
import { installWords } from '../../../../src-main/practice/words/install-words.ts'
import { consoleFor } from '../../transport/ssh-console.ts'
import type { TestServer } from '../../transport/ssh-server.ts'

export interface PracticeNode {
  machine: Machine
  server: SshServer
  port: number
  userKey: KeyPair
  /** the console's own pool, logged in as `user` */
  console(user: 'ops' | 'root', key?: KeyPair): Promise<NodeSessions>
  close(): Promise<void>
}

/** A machine with sshd and the words, on real loopback ports. */
export async function startPracticeNode(): Promise<PracticeNode> {
  const loopback = await claimLoopback({ native: false })
  const segment = createSegment(loopback, 0)
  const own = segment.address(1)
  const machine = createMachine({ name: 'lb1', clock: systemClock, segment, address: own })
  installWords(machine)
  const userKey = newKeyPair()
  for (const account of ['ops', 'root']) authorizeKey(machine, account, userKey.public)
  const server = startSshServer(machine, { port: 22, hostKey: newKeyPair().private })
  const endpoint = await segment.locate(own.address, 22)
  if (endpoint === null) throw new Error('sshd does not listen')
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-practice-'))
  const pools: NodeSessions[] = []
  return {
    ...{ machine, server, userKey, port: endpoint.port },
    async console(user, key = userKey) {
      const file = join(folder, `key-${pools.length}`)
      await writeFile(file, key.private, { mode: 0o600 })
      const reached = { port: endpoint.port, hostKey: server.hostKey } as TestServer
      const pool = consoleFor(reached, { target: { user, auth: 'key', identityFile: file, sudo: true } })
      pools.push(pool)
      return pool
    },
    async close() {
      for (const pool of pools) await pool.close()
      await machine.powerOff()
      await segment.close()
      await loopback.close()
      await rm(folder, { recursive: true })
    },
  }
}
