import { describe, expect, it } from 'vitest'
import { checkProblems } from '../../../../src-main/domain/keepalived/check-problems.ts'

/** Lines of keepalived 2.2.7. */
describe('what keepalived -t says', () => {
  it.each([
    ["(unknown.conf: Line 25) Unknown keyword 'advrt_int'", 5, 'error', 'unknown.conf', 25],
    ["There are 1 missing '}'s or extra '{'s", 5, 'error', null, null],
    ["(Line 24) number '300' outside range [1, 255]", 5, 'error', null, 24],
    ["Config files missing 'nofile.conf'.", 0, 'error', null, null],
    ['(Line 9) Truncating auth_pass to 8 characters', 5, 'warning', null, 9],
    [
      '(VI_1) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage is deprecated - please update your configuration.',
      5,
      'warning',
      null,
      null,
    ],
    ['Non-existent interface specified in configuration', 5, 'error', null, null],
  ] as const)('%s', (text, code, severity, path, line) => {
    expect(checkProblems(`${text}\n${text}\n`, code), 'once, although every process says it').toMatchObject([
      { severity, path, line },
    ])
  })
})
