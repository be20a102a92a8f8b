import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../src-main/app/app-error.ts'
import { createLog, createLogTo } from '../../src-main/log.ts'
import { tempFolder } from './store/temp-store.ts'

function logged(fields: Record<string, unknown>): { text: string; line: Record<string, unknown> } {
  let text = ''
  createLogTo({ write: (line: string) => void (text += line) }, 'info').info('hello', fields)
  return { text, line: JSON.parse(text) as Record<string, unknown> }
}

describe('the log', () => {
  it.each([
    'password',
    'Password',
    'passphrase',
    'auth_data',
    'auth_pass',
    'authPass',
    'AUTH-DATA',
    'token',
    'launchToken',
    'privateKey',
    'private_key',
    'secret',
    'clientSecret',
    'passwd',
    'sudoPass',
    'credentials',
  ])('never contains the value of %s, at any depth', (name) => {
    const secret = 'hunter2-in-clear'
    for (const fields of [
      { [name]: secret },
      { a: { b: { [name]: secret } } },
      { list: [{ [name]: [secret] }] },
      { map: new Map([[name, secret]]) },
      { error: new AppError('ssh.auth-failed', 'no', { details: { [name]: secret } }) },
      { error: new Error('outer', { cause: Object.assign(new Error('inner'), { [name]: secret }) }) },
    ]) {
      const { text } = logged(fields)
      expect(text).not.toContain(secret)
      expect(text).toContain('[redacted]')
    }
  })

  it('keeps what is not a secret', () => {
    const { line } = logged({ node: 'lb-a1', keys: 3, password: null, error: new Error('broken') })
    expect(line).toMatchObject({
      msg: 'hello',
      node: 'lb-a1',
      keys: 3,
      password: null,
      error: { name: 'Error', message: 'broken' },
    })
  })

  it('survives cycles, bytes and big numbers', () => {
    const loop: Record<string, unknown> = { n: 1n, bytes: Buffer.from('abc') }
    loop['self'] = loop
    expect(logged({ loop }).line['loop']).toEqual({ n: '1', bytes: '[3 bytes]', self: '[not shown]' })
  })

  it('is a file of its owner, and starts a new one when it has grown', () => {
    const folder = tempFolder()
    createLog({ folder, shell: 'cli' }).warn('first', { passphrase: 'x' })
    const file = join(folder, 'evenkeel-cli.log')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ level: 40, msg: 'first', passphrase: '[redacted]' })
    writeFileSync(file, 'x'.repeat(10 * 1024 * 1024 + 1))
    createLog({ folder, shell: 'cli' }).info('second')
    expect(statSync(`${file}.1`).size).toBeGreaterThan(10 * 1024 * 1024)
    expect(readFileSync(file, 'utf8')).toContain('second')
  })
})
