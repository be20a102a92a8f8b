import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as csvParse } from 'csv-parse/sync'
import papaparse from 'papaparse'
import { scanStatsCsv } from '../../src-main/domain/haproxy/parse-stats-csv.ts'
import { printRace, race } from './measure.ts'

const SERVERS = 10_000
/** What the driver asks of a server row. */
const WANTED = [
  'pxname',
  'svname',
  'qcur',
  'scur',
  'slim',
  'stot',
  'econ',
  'eresp',
  'status',
  'weight',
  'bck',
  'lastchg',
  'rate',
  'check_status',
  'check_code',
  'check_duration',
  'last_chk',
  'addr',
  'cookie',
  'mode',
  'algo',
  'rtime',
]

/** A recorded reply of a real HAProxy, its server rows repeated under new names; every tenth with a quoted check text. */
function statsOf(servers: number): string {
  const lines = readFileSync(join(import.meta.dirname, '../fixtures/haproxy/show-stat-all.txt'), 'utf8')
    .split('\n')
    .filter(Boolean)
  const [header, ...rows] = lines
  const template = rows.find((row) => !/^[^,]*,(FRONTEND|BACKEND),/.test(row) && !row.includes('"'))
  if (header === undefined || template === undefined) throw new Error('the fixture holds no server row')
  const names = header.slice(2).split(',')
  const [svname, lastCheck] = [names.indexOf('svname'), names.indexOf('last_chk')]
  const made = Array.from({ length: servers }, (_, index) => {
    const cells = template.split(',')
    cells[svname] = `web${index}`
    if (index % 10 === 0) cells[lastCheck] = `"Layer7 wrong status, code: 503, info: ""Service Unavailable"""`
    return cells.join(',')
  })
  return [header, ...made, '', ''].join('\n')
}

export async function benchParse(): Promise<void> {
  const text = statsOf(SERVERS)
  const body = text.slice(2)
  const reply = { codes: Buffer.from(text, 'ascii'), text: (from: number, to: number) => text.slice(from, to) }
  const results = await race(
    [
      { name: 'Evenkeel, the wanted columns', run: () => scanStatsCsv(reply, WANTED).rows.length },
      { name: 'papaparse, arrays', run: () => papaparse.parse<string[]>(body).data.length },
      { name: 'csv-parse, arrays', run: () => csvParse(body, { relax_column_count: true }).length },
      { name: 'csv-parse, objects', run: () => csvParse(body, { columns: true, relax_column_count: true }).length },
    ],
    9,
  )
  printRace(
    `(b) parse "show stat" of ${SERVERS} servers, ${(text.length / 1e6).toFixed(1)} MB (goal: csv-parse takes at least 5 ×)`,
    results,
  )
}
