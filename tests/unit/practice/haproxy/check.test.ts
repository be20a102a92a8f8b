import { afterAll, beforeAll, expect, it } from 'vitest'
import { createManualClock } from '../manual-clock.ts'
import { aBalancer, configPath, type Balancer } from './a-balancer.ts'

let balancer: Balancer
beforeAll(async () => {
  balancer = await aBalancer(createManualClock())
})
afterAll(() => balancer.close())

const listen = 'listen l\n    mode http\n    bind *:80\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n'
/** without who is speaking, and without the summary at the end */
const alerts = (stderr: string): string[] =>
  stderr.split('\n').flatMap((line) => /^\[ALERT\] +\(\d+\) : config : (?!Error|Fatal)(.*)$/.exec(line)?.[1] ?? [])

// Recorded from 2.6.12; the lab compares many more with the daemon itself.
it.each([
  [
    'balnce roundrobin',
    `parsing [${configPath}:7] : unknown keyword 'balnce' in 'listen' section; did you mean 'balance' maybe ?`,
  ],
  ['server s 127.0.0.1:1 chek', `[${configPath}:7] : 'server l/s' : unknown keyword 'chek'; did you mean 'check' maybe ?`],
  ['server s 198.18.0.299:80', `[${configPath}:7] : 'server l/s' : could not resolve address '198.18.0.299'.`],
  ['default_backend nope', `Proxy 'l': unable to find required default_backend: 'nope'.`],
  [
    'acl x foo',
    `parsing [${configPath}:7] : error detected while parsing ACL 'x' : unknown fetch method 'foo' in ACL expression 'foo'.`,
  ],
  // known to the daemon and not carried out here: refused rather than ignored
  ['errorfile 503 /etc/haproxy/503.http', `parsing [${configPath}:7] : unknown keyword 'errorfile' in 'listen' section`],
  ['server s 127.0.0.1:1 ssl', `[${configPath}:7] : 'server l/s' : unknown keyword 'ssl'.`],
])('refuses %s', async (line, message) => {
  const { code, stderr, stdout } = await balancer.check(`${listen}    ${line}\n`)
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' })
  expect(alerts(stderr).join('\n')).toContain(message)
})

it('knows a good one, one that would not start, one that is cut off, and says nothing with -q', async () => {
  expect(await balancer.check(listen)).toMatchObject({
    code: 0,
    stdout: Buffer.from('Configuration file is valid\n'),
    stderr: '',
  })
  expect(await balancer.check('global\n')).toMatchObject({ code: 2 })
  expect(alerts((await balancer.check(listen.trimEnd())).stderr)).toEqual([
    `parsing [${configPath}:6]: Missing LF on last line, file might have been truncated at position 22.`,
  ])
  balancer.write('nonsense\n')
  expect(await balancer.machine.run(['haproxy', '-c', '-q', '-f', configPath])).toMatchObject({
    code: 1,
    stderr: '',
    stdout: Buffer.alloc(0),
  })
})

it('reads a folder in order, relative to -C, and several files as one', async () => {
  const { files } = balancer.machine
  files.makeDirectory('/srv/conf/d', { parents: true })
  files.write('/srv/conf/d/10-first.cfg', listen)
  files.write('/srv/conf/d/20-second.cfg', 'backend l\n')
  files.write('/srv/conf/d/notes.txt', 'nonsense\n')
  const { stderr } = await balancer.machine.run(['haproxy', '-c', '-C', '/srv/conf', '-f', 'd'])
  expect(alerts(stderr)).toEqual([
    `Parsing [d/20-second.cfg:1]: backend 'l' has the same name as listen 'l' declared at d/10-first.cfg:1.`,
  ])
})

it('tells its version, and its usage when it does not understand', async () => {
  expect((await balancer.machine.run(['haproxy', '-v'])).stdout.toString()).toMatch(/^HAProxy version 2\.6\.12-1\+deb12u4 /)
  expect(await balancer.machine.run(['haproxy', '--help'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Usage : /) as string,
  })
})
