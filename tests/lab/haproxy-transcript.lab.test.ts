import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src-main/practice/machine/system-clock.ts'
import { aBalancer, type Balancer } from '../unit/practice/haproxy/a-balancer.ts'
import { describeLab } from './describe-lab.ts'
import { openHaproxyRoom, type HaproxyRoom } from './haproxy-room.ts'
import { commonPart, transcript, transcriptConfig } from './haproxy-transcript.ts'

const settleMs = 10_000

/** The same lines to both daemons, one after the other, each on a connection of its own; the replies stand side by side. */
describeLab('the practice HAProxy beside the real one', () => {
  let room: HaproxyRoom
  let balancer: Balancer

  const real = (socket: string, line: string): Promise<string> =>
    room.run(`printf '%s\\n' "$(cat <<'END'\n${line}\nEND\n)" | timeout 5 socat -t5 - UNIX-CONNECT:/run/${socket}.sock`)

  beforeAll(async () => {
    room = await openHaproxyRoom()
    balancer = await aBalancer(systemClock)
    balancer.write(transcriptConfig)
    expect(await balancer.start('-D')).toMatchObject({ code: 0, stderr: '' })
    await room.restartWith(transcriptConfig)
  })
  afterAll(async () => {
    await balancer.close()
    await room.close()
  })

  it(`answers ${transcript.length} lines alike`, async () => {
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
      replies.real.push(heading + commonPart(await real(socket, line)))
      replies.practice.push(heading + commonPart(await balancer.ask(socket, line)))
    }
    expect(replies.practice).toEqual(replies.real)
  })
})
