import { expect, it } from 'vitest'
import { balancerReadingFrom, parseRound, roundCommands } from '../../../../src-main/domain/haproxy/reading.ts'
import { createManualClock } from '../manual-clock.ts'
import { aBalancer } from './a-balancer.ts'

const config = `global
    stats socket /run/admin.sock mode 600 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    bind *:8080
    default_backend app
backend app
    option httpchk GET /health
    default-server check inter 1s fall 3 rise 2
    server good 127.0.0.1:9001 weight 10
    server refused 127.0.0.1:9009
    server spare 127.0.0.1:9001 backup
    server out 127.0.0.1:9001 disabled
    server blind 127.0.0.1:9001 no-check
`

it('is read by the console as the daemon is', async () => {
  const clock = createManualClock()
  const balancer = await aBalancer(clock)
  balancer.machine.network.listen({ address: '*', port: 9001, pid: 1 }, ({ socket }) => {
    socket.on('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'))
  })
  balancer.write(config)
  expect(await balancer.start()).toMatchObject({ code: 0 })
  const read = async () =>
    balancerReadingFrom(parseRound(await balancer.ask('admin', roundCommands.join(';'))), [], new Map()).pools[0]?.servers ?? []
  const words = async () => Object.fromEntries((await read()).map(({ name, word }) => [name, word]))
  expect(await words()).toEqual({ good: 'UP 1/3', refused: 'UP 1/3', spare: 'UP 1/3', out: 'MAINT', blind: 'no check' })
  await expect
    .poll(async () => {
      await clock.advance(1000)
      return words()
    })
    .toEqual({ good: 'UP', refused: 'DOWN', spare: 'UP', out: 'MAINT', blind: 'no check' })
  await balancer.ask('admin', 'set server app/good state drain')
  await balancer.ask('admin', 'set server app/refused state drain')
  expect(
    (await read()).map(({ name, state, word, backup, check }) => [name, state, word, backup, check?.status ?? null]),
  ).toEqual([
    ['good', 'drained', 'DRAIN', false, 'L7OK'],
    ['refused', 'drained', 'DOWN', false, 'L4CON'],
    ['spare', 'up', 'UP', true, 'L7OK'],
    ['out', 'maintenance', 'MAINT', false, null],
    ['blind', 'unchecked', 'no check', false, null],
  ])
  await balancer.close()
})

it('lets the agent of a server undo what was commanded', async () => {
  const clock = createManualClock()
  const balancer = await aBalancer(clock)
  let word = 'up 100%'
  balancer.machine.network.listen({ address: '*', port: 9010, pid: 1 }, ({ socket }) => socket.end(`${word}\n`))
  balancer.write(
    config.replace(
      '    server good',
      '    server told 127.0.0.1:9001 weight 8 no-check agent-check agent-port 9010 agent-inter 1s\n    server good',
    ),
  )
  expect(await balancer.start()).toMatchObject({ code: 0 })
  const state = async () => / told \S+ (\d+ \d+ \d+) 8 /.exec(await balancer.ask('admin', 'show servers state app'))?.[1]
  const afterCheck = async () => {
    await clock.advance(1000)
    return state()
  }
  await balancer.ask('admin', 'set server app/told weight 3')
  expect(await state()).toBe('2 0 3')
  await expect.poll(afterCheck).toBe('2 0 8')
  word = 'drain'
  await expect.poll(afterCheck).toBe('2 8 8')
  expect(await balancer.ask('admin', 'show stat app 4 1')).toContain(',DRAIN (agent),')
  await balancer.ask('admin', 'set server app/told state ready')
  await expect.poll(afterCheck).toBe('2 8 8')
  await balancer.ask('admin', 'disable agent app/told')
  await balancer.ask('admin', 'set server app/told state ready')
  await clock.advance(3000)
  expect(await state()).toBe('2 0 8')
  await balancer.close()
})
