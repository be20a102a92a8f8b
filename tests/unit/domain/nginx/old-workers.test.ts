import { expect, it } from 'vitest'
import { parseOldClients } from '../../../../src-main/domain/nginx/old-workers.ts'

const counted = '\t bbr wscale:10,10 rto:204 rtt:0.016/0.008 mss:1448 cwnd:10'
const line = (state: string, local: string, peer: string, pid: number, received = ''): string =>
  `${state} 0      0      ${local}  ${peer} users:(("nginx",pid=${pid},fd=8))\n${counted}${received} segs_in:2 minrtt:0.016\n`
const head = `32768
LISTEN 0      4096        0.0.0.0:80   0.0.0.0:*
LISTEN 0      511       127.0.0.1:8081 0.0.0.0:*
LISTEN 0      511            [::]:8080    [::]:*
LISTEN 0      511         0.0.0.0:40000 0.0.0.0:*

`
const lb = '198.18.0.11'
const member = { address: '198.18.0.31', port: 8000 }
const silent = line('ESTAB', `${lb}:8080`, '198.18.0.100:59910', 70)
const asking = line('ESTAB', `[::ffff:${lb}]:8080`, '[::ffff:198.18.0.100]:59906', 70, ' bytes_received:53')
const unanswered = line('ESTAB', `${lb}:47920`, '198.18.0.32:8000', 70)
const answered = line('ESTAB', `${lb}:47924`, '198.18.0.32:8000', 70, ' bytes_received:9')
const read = (...lines: string[]) => parseOldClients(`${head}${lines.join('')}end\n`, member)

it.each([
  ['nobody', [], 0, 0],
  ['a client that has sent nothing yet', [silent], 0, 1],
  ['a client that is still sending', [asking], 0, 1],
  ['a client whose server has not answered, and may be given up', [asking, unanswered], 0, 1],
  ['a client who is being answered elsewhere', [asking, answered], 0, 0],
  ['one who is, and one who is not', [asking, silent, answered], 0, 1],
  ['the answers of another worker', [silent, line('ESTAB', `${lb}:47928`, '198.18.0.32:8000', 71, ' bytes_received:9')], 0, 1],
  ['a client on the member', [asking, line('ESTAB', `${lb}:47922`, '198.18.0.31:8000', 70, ' bytes_received:9')], 1, 1],
  ['a connection to the member that is being opened', [asking, line('SYN-SENT', `${lb}:47922`, '198.18.0.31:8000', 70)], 1, 1],
  [
    'a port of the outgoing range that is listened on',
    [line('ESTAB', `${lb}:40000`, '198.18.0.100:5', 70, ' bytes_received:9')],
    0,
    1,
  ],
  ['a port that is listened on no more', [line('ESTAB', `${lb}:8088`, '198.18.0.100:5', 70, ' bytes_received:9')], 0, 1],
] as const)('%s', (_what, lines, onMember, undecided) => {
  expect(read(...lines)).toEqual({ onMember, undecided })
})

it('does not take what broke off, or another program, for nobody', () => {
  expect(parseOldClients(head, member)).toBeNull()
  expect(parseOldClients('', member)).toBeNull()
  expect(parseOldClients(`${head}${silent}`, member)).toBeNull()
})
