import { systemClock } from '../../../../src-main/practice/machine/system-clock.ts'
import type { PracticeProcess } from '../../../../src-main/practice/machine/machine.ts'
import { runNginx } from '../../../../src-main/practice/nginx/program.ts'
import { backendPort, createSite, echoPort, type Site } from '../traffic/site.ts'

/** A balancer with nginx on it, the servers s1, s2 and s3, and a client. */
export interface NginxSite extends Site {
  /** `$s1` in it stands for the address and port of the server s1, `$echo1` for its port that answers with what it gets */
  write(config: { http?: string; stream?: string; main?: string }): void
  nginx(...argv: string[]): Promise<{ code: number; stderr: string }>
  processes(title: string): PracticeProcess[]
  /** of error.log, without its time and process ids */
  logged(): string[]
}

export async function aNginxSite(): Promise<NginxSite> {
  const site = await createSite(systemClock)
  const machine = site.balancer
  machine.programs.install('/usr/sbin/nginx', runNginx)
  for (const folder of ['/etc/nginx', '/var/log/nginx']) machine.files.makeDirectory(folder, { parents: true })
  const addresses = [1, 2, 3].map((number) => site.server(`s${number}`).address)
  const placed = (text: string): string =>
    text
      .replace(/\$s([1-3])/g, (_, number: string) => `${addresses[Number(number) - 1] ?? ''}:${backendPort}`)
      .replace(/\$echo([1-3])/g, (_, number: string) => `${addresses[Number(number) - 1] ?? ''}:${echoPort}`)
  return {
    ...site,
    write({ http = '', stream = '', main = 'worker_processes 1;' }) {
      machine.files.write(
        '/etc/nginx/nginx.conf',
        `load_module modules/ngx_stream_module.so; ${main} error_log /var/log/nginx/error.log notice; events {}
http { access_log off; ${placed(http)} }
stream { ${placed(stream)} }
`,
      )
    },
    nginx: (...argv) => machine.run(['nginx', ...argv]),
    processes: (title) => machine.processes.list().filter(({ argv }) => argv[0]?.startsWith(`nginx: ${title}`)),
    logged: () =>
      machine.files
        .read('/var/log/nginx/error.log')
        .toString('utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => line.replace(/^\S+ \S+ (\[\w+\]) \d+#\d+: /, '$1 ')),
    async close() {
      await machine.powerOff()
      await site.close()
    },
  }
}
