import { expect, it } from 'vitest'
import { parseDataInstances, parseTracked } from '../../../../src-main/domain/keepalived/parse-data-dump.ts'
import { parseJsonDump } from '../../../../src-main/domain/keepalived/parse-json-dump.ts'
import { createManualClock } from '../manual-clock.ts'
import { aSite, instanceText, vip, type Member } from './vrrp-site.ts'

const config = `global_defs {
    enable_script_security
    script_user root
}
vrrp_script chk {
    script "/usr/bin/test -e /run/ok"
    interval 1
    weight -60
}
track_file adjust {
    file /run/adjust
    weight 2
}
${instanceText({
  priority: 150,
  more: 'authentication {\n auth_type PASS\n auth_pass s3cr3tPW\n }\n track_script {\n chk\n }\n track_file {\n adjust\n }\n track_interface {\n lo weight 10\n }',
})}`

/** What the console's own parsers make of the dumps. */
it('the dumps tell what the console asks for', async () => {
  const clock = createManualClock()
  const [member] = (await aSite(clock, 1)) as [Member]
  member.machine.files.write('/run/adjust', '3\n')
  member.configure(config)
  await member.run('keepalived')
  await clock.advance(8000)
  const { machine } = member
  for (const signal of ['USR1', 'USR2', 'RTMIN+2'] as const) machine.processes.signal(member.pid(), signal)
  const read = (name: string): string => machine.files.read(`/tmp/keepalived${name}`).toString('utf8')

  const expected = {
    name: 'VI_1',
    vrid: 51,
    state: 'MASTER',
    wantState: 'MASTER',
    basePriority: 150,
    effectivePriority: 106,
    addresses: [vip],
    advertIntMs: 1000,
    nopreempt: false,
  }
  expect(parseJsonDump(read('.json'))).toMatchObject([{ ...expected, counters: { become_master: 1, advert_sent: 5 } }])
  expect(parseDataInstances(read('.data'))).toMatchObject([expected])
  expect(parseTracked(read('.data'))).toEqual(
    expect.arrayContaining([
      { kind: 'script', name: 'chk', status: 'BAD', path: null, instances: [{ name: 'VI_1', weight: -60 }] },
      { kind: 'file', name: 'adjust', status: '3', path: '/run/adjust', instances: [{ name: 'VI_1', weight: 2 }] },
      { kind: 'interface', name: 'lo', status: 'UP', path: null, instances: [{ name: 'VI_1', weight: 10 }] },
    ]),
  )
  expect(read('.stats')).toContain('  Became master: 1\n')
  // As the real ones do, they hold the password, and are for root alone.
  expect(read('.json') + read('.data')).toContain('s3cr3tPW')
  for (const name of ['.json', '.data', '.stats', '_parent.data']) {
    expect(machine.files.stat(`/tmp/keepalived${name}`)).toMatchObject({ mode: 0o600, uid: 0 })
  }
})

it('$TMPDIR is where they go', async () => {
  const clock = createManualClock()
  const [{ machine, ...member }] = (await aSite(clock, 1)) as [Member]
  machine.files.makeDirectory('/run/elsewhere')
  member.configure(instanceText({ priority: 100 }))
  await machine.run(['keepalived'], { environment: { PATH: '/usr/sbin', TMPDIR: '/run/elsewhere' } })
  await clock.advance(10)
  machine.processes.signal(member.pid(), 'RTMIN+2')
  expect(machine.files.list('/run/elsewhere')).toEqual(['keepalived.json'])
})
