import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import Papa from 'papaparse'
import { describe, expect, it } from 'vitest'
import { TextMemory } from '../../../../src-main/domain/haproxy/reply.ts'
import { scanStatsCsv } from '../../../../src-main/domain/haproxy/parse-stats-csv.ts'

const fixture = readFileSync(new URL('../../../fixtures/haproxy/show-stat-all.txt', import.meta.url), 'utf8')
const header = fixture.slice(2, fixture.indexOf('\n')).split(',')

/** The same table by a general CSV parser: the wanted columns of every row. */
function byPapaparse(text: string, wanted: readonly string[]): string[][] {
  const end = text.indexOf('\n\n')
  const rows = Papa.parse<string[]>(text.slice(2, end === -1 ? undefined : end + 1), { delimiter: ',', newline: '\n' }).data
  const [names = [], ...cells] = rows.filter((row) => row.length > 1)
  return cells.map((row) => wanted.map((name) => (names.includes(name) ? (row[names.indexOf(name)] ?? '') : '')))
}

/** A cell as HAProxy writes it: quoted when it holds a comma, a quote or a line break, with quotes doubled. */
const written = (cell: string): string => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

function read(text: string, wanted: readonly string[]): { rows: string[][]; end: number } {
  const table = scanStatsCsv(text, wanted)
  const rows = table.rows
  return { rows, end: table.end }
}

describe('scanStatsCsv', () => {
  it('agrees with papaparse on every column of a recorded reply', () => {
    const named = header.filter((name) => name !== '')
    const { rows, end } = read(fixture, named)
    expect(rows).toEqual(byPapaparse(fixture, named))
    expect(rows.length).toBeGreaterThan(20)
    expect(end).toBe(fixture.length)
  })

  it('agrees with papaparse cell by cell, whatever the cells hold and whichever columns are wanted', () => {
    const cell = fc.oneof(
      fc.constantFrom('', 'UP', 'no check', '0', '-1', 'a,b', '"', 'say ""', 'Connection refused, "later"', ',', '""'),
      fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'Z', '9', ',', '"', ' ', '.', 'é') }),
    )
    const table = fc
      .uniqueArray(fc.stringMatching(/^[a-z_]{1,8}$/), { minLength: 1, maxLength: 8 })
      .chain((names) =>
        fc.tuple(
          fc.constant(['pxname', ...names.filter((name) => name !== 'pxname')]),
          fc.array(fc.array(cell), { maxLength: 12 }),
        ),
      )
    fc.assert(
      fc.property(table, fc.array(fc.nat(9)), (drawn, picks) => {
        const [names, cells] = drawn
        const wanted = [...new Set(picks.map((pick) => names[pick] ?? 'absent'))]
        const lines = cells.map((row) => `${names.map((_, at) => written(at === 0 ? 'p' : (row[at] ?? ''))).join(',')},\n`)
        const text = `# ${names.join(',')},\n${lines.join('')}\n`
        expect(read(text, wanted)).toEqual({ rows: byPapaparse(text, wanted), end: text.length })
      }),
      { numRuns: 500 },
    )
  })

  it('keeps a line break inside a quoted cell, and ends at the empty line', () => {
    const text = '# pxname,last_chk,status,\nbe,"two\nlines, ""quoted""",UP,\nbe,plain,DOWN,\n\n1\n# be_id'
    const { rows, end } = read(text, ['status', 'last_chk'])
    expect(rows).toEqual([
      ['UP', 'two\nlines, "quoted"'],
      ['DOWN', 'plain'],
    ])
    expect(text.slice(end)).toBe('1\n# be_id')
  })

  it('finds columns by name, wherever a version puts them, and gives empty cells for those it does not have', () => {
    expect(scanStatsCsv('# pxname,new_one,svname,\nbe,7,w1,\n\n', ['svname', 'absent', 'pxname']).rows).toEqual([
      ['w1', '', 'be'],
    ])
  })

  it('refuses a text without the header line', () => {
    expect(() => scanStatsCsv('Permission denied\n', ['pxname'])).toThrow('has no header line')
  })

  it('reads the same with a memory of the tables before, whatever they were', () => {
    const cell = fc.constantFrom('', 'UP', 'UP ', 'web1', 'web10', 'wéb1', '€', '\u0080', '"a,b"', 'web2')
    const tables = fc.array(fc.array(fc.tuple(cell, cell, cell), { maxLength: 6 }), { minLength: 2, maxLength: 4 })
    fc.assert(
      fc.property(tables, (rounds) => {
        const wanted = ['svname', 'status', 'pxname']
        const memory = new TextMemory(1)
        const bytesMemory = new TextMemory(1)
        for (const rows of rounds) {
          const text = `# pxname,svname,status,\n${rows.map((row) => `p${row.join(',')},\n`).join('')}\n`
          const plain = scanStatsCsv(text, wanted).rows
          expect(scanStatsCsv(text, wanted, 0, memory).rows).toEqual(plain)
          const bytes = Buffer.from(text)
          const reply = { codes: bytes, text: (from: number, to: number) => bytes.toString('utf8', from, to) }
          expect(scanStatsCsv(reply, wanted, 0, bytesMemory).rows).toEqual(plain)
        }
      }),
      { numRuns: 500 },
    )
  })
})
