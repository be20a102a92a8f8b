import { readFileSync } from 'node:fs'
import type { NginxProcess } from '../../../../src-main/domain/nginx/worker-generations.ts'
import { titleFromCmdline } from '../../../../src-main/domain/nginx/worker-generations.ts'

/** Recorded from nginx 1.22.1 with two workers, an http and a stream upstream `app` and six clients; see tests/fixtures/nginx. */
export const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/nginx/${name}`, import.meta.url), 'utf8')

/** `pid ppid base64(/proc/pid/cmdline)` per line: the padding of titles is part of the recording. */
export const recordedProcesses = (name: string): NginxProcess[] =>
  fixture(name)
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = '', parentPid = '', cmdline = ''] = line.split(' ')
      const title = titleFromCmdline(Buffer.from(cmdline, 'base64').toString('latin1'))
      return { pid: Number(pid), parentPid: Number(parentPid), uptimeS: 7, title }
    })
