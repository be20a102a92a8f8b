import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { createNodeEvidence } from '../../../../src-main/drivers/linux/node-evidence.ts'
import { systemClock } from '../../../../src-main/system-clock.ts'
import { limits, refused, scriptedSession, sections, type Answer } from './scripted-session.ts'

const questions = {
  reach: [
    { host: '198.18.0.31', port: 8000 },
    { host: '198.18.0.32', port: 8000 },
    { host: '198.18.0.33', port: 8000 },
  ],
  certificates: ['/etc/ssl/site.pem', '/etc/ssl/two\n/etc/shadow'],
}
const network = sections({ listeners: '', addresses: '', links: '', nonlocal: '0' })

type Openings = Record<string, AppError | null>

/** a node whose clock is a minute ahead; `seen`: what the script prints; `opens`: what becomes of a connection */
function node(seen: string, opens: Openings, mayBeRoot = true) {
  const session = scriptedSession((argv, { privileged }): Answer | AppError => {
    if (argv[2] === 'date +%s%N') return { stdout: `${Date.now() + 60_000}000000\n` }
    if (privileged === true && !mayBeRoot) return refused
    return { stdout: argv[2]?.includes('part listeners') === true ? network : seen }
  })
  const openTcp: typeof session.openTcp = async (host) => {
    const failure = opens[host] ?? null
    if (failure !== null) throw failure
    return new PassThrough()
  }
  return { ...session, openTcp }
}
const look = createNodeEvidence({ clock: systemClock })

it('tells what is reached and what is not, in the order of the questions, and shows certificates and logs', async () => {
  const session = node(sections({ 'cert /etc/ssl/site.pem': 'PEM', log: 'one\ntwo\n' }), {
    '198.18.0.32': new AppError('exec.failed', 'Nobody listens there.'),
    '198.18.0.33': new AppError('ssh.timeout', 'It took too long.'),
  })
  const evidence = await look(session, questions, limits)
  expect(evidence).toMatchObject({
    asRoot: true,
    reached: [null, 'Nobody listens there.', 'no answer within 2 s'],
    certificates: [{ path: '/etc/ssl/site.pem', pem: 'PEM' }],
    log: ['one', 'two'],
  })
  expect(Math.abs(evidence.clock.offsetMs - 60_000)).toBeLessThanOrEqual(evidence.clock.uncertaintyMs + 1)
  const asked = session.asked.find(({ options }) => options.stdin !== undefined)
  expect(asked?.options.stdin, 'a path cannot pass for another').toBe('/etc/ssl/site.pem\n')
})

it('asks as the account where root is not allowed, and says so', async () => {
  const forbidden = new AppError('ssh.channel-refused', 'sshd says no.')
  const session = node(sections({ log: '' }), { '198.18.0.31': forbidden }, false)
  expect(await look(session, questions, limits)).toMatchObject({ asRoot: false, reached: 'unable', certificates: [], log: [] })
})

it('ends with the connection to the node, which says nothing of a server', async () => {
  const lost = new AppError('ssh.connection-lost', 'The node is gone.')
  await expect(look(node('', { '198.18.0.32': lost }), questions, limits)).rejects.toBe(lost)
})
