import { expect, it } from 'vitest'
import { createNodeEvidence } from '../../../../src-main/drivers/linux/node-evidence.ts'
import { systemClock } from '../../../../src-main/system-clock.ts'
import { limits, refused, scriptedSession, sections, type Answer } from './scripted-session.ts'

const questions = {
  reach: [
    { host: '198.18.0.31', port: 8000 },
    { host: '198.18.0.32', port: 8000 },
    { host: '198.18.0.33', port: 8000 },
  ],
  certificates: ['/etc/ssl/site.pem', '/etc/ssl/two\nreach 0 198.18.0.99 1'],
}
const network = sections({ listeners: '', addresses: '', links: '', nonlocal: '0' })

/** a node whose clock is a minute ahead; `seen`: what the script prints */
const node = (seen: string, mayBeRoot = true) =>
  scriptedSession((argv, { privileged }): Answer | typeof refused => {
    if (argv[2] === 'date +%s%N') return { stdout: `${Date.now() + 60_000}000000\n` }
    if (privileged === true && !mayBeRoot) return refused
    return { stdout: argv[2]?.includes('part listeners') === true ? network : seen }
  })
const look = createNodeEvidence({ clock: systemClock })

it('tells what is reached and what is not, in the order of the questions, and shows certificates and logs', async () => {
  const seen = `2 124 no answer within 2 s\n0 0 \n1 1 Connection refused\n\0${sections({ 'cert /etc/ssl/site.pem': 'PEM', log: 'one\ntwo\n' })}`
  const session = node(seen)
  const evidence = await look(session, questions, limits)
  expect(evidence).toMatchObject({
    asRoot: true,
    reached: [null, 'Connection refused', 'no answer within 2 s'],
    certificates: [{ path: '/etc/ssl/site.pem', pem: 'PEM' }],
    log: ['one', 'two'],
  })
  expect(Math.abs(evidence.clock.offsetMs - 60_000)).toBeLessThanOrEqual(evidence.clock.uncertaintyMs + 1)
  const asked = session.asked.find(({ options }) => options.stdin !== undefined)
  expect(asked?.options.stdin, 'a path cannot pass for a question').toBe(
    'cert /etc/ssl/site.pem\nreach 0 198.18.0.31 8000\nreach 1 198.18.0.32 8000\nreach 2 198.18.0.33 8000\n',
  )
})

it('asks as the account where root is not allowed, and says so', async () => {
  expect(await look(node(`unable\n\0${sections({ log: '' })}`, false), questions, limits)).toMatchObject({
    asRoot: false,
    reached: 'unable',
    certificates: [],
    log: [],
  })
})

it('does not call a server reached that was not tried', async () => {
  const { reached } = await look(node(`0 0 \n\0`), questions, limits)
  expect(reached).toEqual([null, 'it was not tried', 'it was not tried'])
})
