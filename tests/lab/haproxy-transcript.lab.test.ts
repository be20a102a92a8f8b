import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../src-main/practice/machine/system-clock.ts'
import { aBalancer, type Balancer } from '../unit/practice/haproxy/a-balancer.ts'
import { describeLab } from './describe-lab.ts'
import { openHaproxyRoom, type HaproxyRoom } from './haproxy-room.ts'
import { configs } from './haproxy-configs.ts'
import { commonPart, transcript, transcriptConfig } from './haproxy-transcript.ts'

const settleMs = 10_000

/** The same lines to both daemons, one after the other, each on a connection of its own; the replies stand side by side. */
describeLab('the practice HAProxy beside the real one', () => {
  let room: HaproxyRoom
  let balancer: Balancer

  const askReal = (socket: string, line: string): Promise<string> =>
    room.run(`printf '%s\\n' '${line}' | timeout 5 socat -t5 - UNIX-CONNECT:/run/${socket}.sock`)
  /** While a check is under way some columns are empty: a reply of such a moment is asked for again. */
  async function real(socket: string, line: string): Promise<string> {
    let reply = await askReal(socket, line)
    for (let again = 0; again < 50 && checkUnderWay.test(reply); again++) reply = await askReal(socket, line)
    return reply
  }

  /** A busy machine makes a check of one side late: what only shows is asked for again until both say the same, and not for ever. */
  async function both(socket: (typeof transcript)[number][0], line: string): Promise<{ real: string; practice: string }> {
    for (let again = 0; ; again++) {
      const said = {
        real: commonPart(await real(socket, line)),
        practice: commonPart(await balancer.ask(socket, line)),
      }
      if (said.real === said.practice || again === 20 || !line.startsWith('show ')) return said
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  beforeAll(async () => {
    room = await openHaproxyRoom()
  })
  beforeEach(async () => {
    balancer = await aBalancer(systemClock)
    balancer.write(transcriptConfig)
    expect(await balancer.start('-D')).toMatchObject({ code: 0, stderr: '' })
    await room.restartWith(transcriptConfig)
  })
  afterEach(() => balancer.close())
  afterAll(() => room.close())

  // a check that a busy machine has made late is counted for good: then both begin anew
  it(`answers ${transcript.length} lines alike`, { retry: 2 }, async () => {
    const settled = async (ask: () => Promise<string>) =>
      expect
        .poll(async () => (await ask()).split('\n').filter((line) => / (15 3 4|6 3 4|8 2 0) 6 /.test(line)).length, {
          timeout: settleMs,
        })
        .toBe(5)
    await settled(() => real('admin', 'show servers state'))
    await settled(() => balancer.ask('admin', 'show servers state'))
    const replies = { real: [] as string[], practice: [] as string[] }
    for (const [socket, line] of transcript) {
      const heading = `== ${socket}: ${line}\n`
      const said = await both(socket, line)
      replies.real.push(heading + said.real)
      replies.practice.push(heading + said.practice)
    }
    expect(replies.practice).toEqual(replies.real)
  })

  it(`says the same of ${configs.length} configurations`, async () => {
    const path = '/etc/haproxy/candidate.cfg'
    for (const config of configs) {
      const told = await room.run(
        `printf %s '${config.replaceAll("'", `'\\''`)}' >${path}; rc=0; haproxy -c -f ${path} 2>/tmp/told || rc=$?; echo "rc=$rc"; cat /tmp/told`,
      )
      balancer.machine.files.write(path, config)
      const { code, stdout, stderr } = await balancer.machine.run(['haproxy', '-c', '-f', path])
      const practice = `${stdout.toString()}rc=${code}\n${stderr}`
      expect(withoutPids(practice), config).toBe(withoutPids(told))
    }
  })
})

const withoutPids = (text: string): string => text.replaceAll(/ \(\d+\) : /g, ' (PID) : ').trim()

/** `* L7OK` in `show stat`; in `show servers state` no result, or the lowest bit of the check's state */
const checkUnderWay = /,\* L\d|^(?:\S+ ){11}0 \d+ [67] |^(?:\S+ ){13}7 /m
