import { describe, expect, test } from 'vitest'
import { reportHtml } from '../../../../src-main/domain/drill/report-html.ts'
import { reportMarkdown } from '../../../../src-main/domain/drill/report-markdown.ts'
import { reportJson, reportOf } from '../../../../src-main/domain/drill/report.ts'
import { record, view } from './a-drill.ts'

describe('a report', () => {
  test('says in one sentence what happened', () => {
    expect(reportOf(view).summary).toBe(
      'On 2027-01-15 08:00 UTC, priority-drop was put on lb1. 198.18.7.10 moved to another member after 3.01 s. New clients got no answer for 28 ms at most (predicted: 0 to 100 ms).',
    )
  })

  test('sets what was predicted beside what was measured', () => {
    const rows = reportOf(view).sections.find(({ title }) => title === 'Predicted and measured')?.table?.rows
    expect(rows).toContainEqual(['another member has the address', '2609 to 3659 ms', '3012 ms'])
    expect(rows).toContainEqual(['no answer to new clients, at the fault', '0 to 100 ms', '28 ms'])
  })

  test('counts time from the fault', () => {
    const rows = reportOf(view).sections.find(({ title }) => title === 'What happened, in order')?.table?.rows
    expect(rows?.[0]?.[0]).toBe('−5400')
    expect(rows).toContainEqual(['+3012', 'lb2', 'has the address'])
  })

  test('of a drill without a fault says so', () => {
    const untouched = {
      ...view,
      record: { ...record, injectedAt: null, verdict: 'untested' as const, said: 'It was not steady.' },
    }
    expect(reportOf(untouched).summary).toBe('No fault was put on lb1. It was not steady.')
    expect(reportHtml(untouched)).not.toContain('<svg')
  })

  test('as data does not hold its own hash, and says the same each time', () => {
    expect(reportJson(view)).not.toContain('reportSha256')
    expect(reportJson(view)).toBe(reportJson(structuredClone(view)))
    expect(JSON.parse(reportJson(view))).toMatchObject({ format: 'evenkeel-drill-1', record: { id: 'd-1' } })
  })
})

describe('what came from a node or a plan sets nothing', () => {
  const evil = '<script>alert(1)</script>| `x` *b* </svg>\n# heading'
  const hostile = {
    ...view,
    record: { ...record, plan: { ...record.plan, name: evil, hypothesis: evil } },
    events: view.events.map((event) => ({ ...event, text: evil })),
  }

  test('in HTML', () => {
    const html = reportHtml(hostile)
    expect(html).not.toContain('<script')
    expect(html.match(/<\/svg>/g)).toHaveLength(1)
  })

  test('in Markdown', () => {
    const text = reportMarkdown(hostile)
    expect(text.split('\n').filter((line) => line.startsWith('# '))).toHaveLength(1)
    expect(text).not.toMatch(/(^|[^\\])<script/m)
  })
})

test('the HTML needs nothing from elsewhere', () => {
  const html = reportHtml(view)
  expect(html).toContain("default-src 'none'")
  expect(html).not.toMatch(/(src|href)=|url\(|@import/)
  expect(html).toContain('&#60;adjust&#62;')
  expect(html).toContain(record.reportSha256)
})
