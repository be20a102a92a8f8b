/*
 * `show stat`: the 128 named columns of 2.6.12 in their order, and the empty one behind the trailing comma. A cell that a row's kind does
 * not have is empty, as recorded from the daemon.
 */
import type { Figures } from '../../traffic/traffic.ts'
import { isUsable, usableOf, type Backend, type LiveServer } from '../worker/backend.ts'
import type { Frontend } from '../worker/frontend.ts'
import { checkText, inMaintenance, isChecked, statusWord } from '../worker/server-words.ts'
import type { Worker } from '../worker/worker.ts'
import { mayAtLeast, Refusal, type CliCommand } from './command.ts'

const columns =
  `pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,
  downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,
  hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,
  last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,
  agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,wrew,connect,reuse,
  cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,
  need_conn_est,uweight,agg_server_status,agg_server_check_status,agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,
  h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,
  h2_detected_strm_protocol_errors,h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,
  h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,h1_bytes_out,
  h1_spliced_bytes_in,h1_spliced_bytes_out`.split(/,\s*/)

type Cells = Readonly<Record<string, string | number | null>>
const kinds = { frontend: 1, backend: 2, server: 4 } as const

export const showStat: CliCommand = {
  words: 'show stat',
  level: 'user',
  run(args, { worker, session }) {
    const [proxy = '', type = '', id = ''] = args
    const words = new Set(args)
    if (words.has('json') || words.has('typed') || words.has('desc')) {
      throw new Refusal('This practice balancer knows "show stat" as CSV only.\n')
    }
    // Without all three, HAProxy ignores what it does not understand.
    const filtered = args.length >= 3 && /^-?\d+$/.test(type) && /^-?\d+$/.test(id)
    const wanted = (of: { id: number; name: string }) =>
      !filtered || proxy === '-1' || proxy === of.name || Number(proxy) === of.id
    const wants = (kind: keyof typeof kinds) => !filtered || (Number(type) & kinds[kind]) !== 0
    const wantsId = (sid: number) => !filtered || Number(id) === -1 || Number(id) === sid
    if (filtered && !/^-?\d+$/.test(proxy) && !worker.config.proxies.some(({ name }) => name === proxy))
      throw new Refusal('No such proxy.\n')
    const usableOnly = words.has('up')
    const withoutMaint = usableOnly || words.has('no-maint')
    const rows: Cells[] = []
    for (const settings of worker.config.proxies) {
      if (!wanted(settings)) continue
      const frontend = worker.frontends.find(({ proxy: one }) => one === settings)
      if (frontend !== undefined && wants('frontend') && wantsId(0)) rows.push(frontendRow(worker, frontend))
      const backend = worker.backends.get(settings.name)
      if (backend === undefined || backend.proxy !== settings) continue
      for (const live of wants('server') ? backend.servers : []) {
        const hidden = (withoutMaint && inMaintenance(live)) || (usableOnly && !live.server.up)
        if (!hidden && wantsId(live.id)) rows.push(serverRow(worker, backend, live))
      }
      if (wants('backend') && wantsId(0)) rows.push(backendRow(worker, backend, withoutMaint))
    }
    const blank = mayAtLeast(session, 'operator') ? [] : ['addr', 'cookie', 'algo']
    const lines = rows.map((row) => columns.map((name) => (blank.includes(name) ? '' : cell(row[name]))).join(','))
    return [`# ${columns.join(',')}`, ...lines].map((line) => `${line},\n`).join('')
  },
}

function cell(value: string | number | null | undefined): string {
  if (value === undefined || value === null || value === '') return ''
  if (typeof value === 'number') return String(value)
  const text = value
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1000))
const now = ({ machine }: Worker): number => machine.clock.monotonic()
const zeros = (...names: string[]): Cells => Object.fromEntries(names.map((name) => [name, 0]))
const moduleCells = zeros(...columns.slice(columns.indexOf('ssl_sess')))
const httpResponses = ({ responses }: Figures): Cells => ({
  hrsp_1xx: responses[0],
  hrsp_2xx: responses[1],
  hrsp_3xx: responses[2],
  hrsp_4xx: responses[3],
  hrsp_5xx: responses[4],
  hrsp_other: responses[5],
})

function traffic(figures: Figures): Cells {
  return {
    scur: figures.sessions,
    smax: figures.mostSessions,
    stot: figures.totalSessions,
    bin: figures.bytesIn,
    bout: figures.bytesOut,
    rate: figures.sessionsPerSecond(),
    rate_max: figures.mostSessionsPerSecond,
  }
}

const servedZeros = zeros('wrew', 'reuse', 'qtime_max', 'ctime_max', 'rtime_max', 'ttime_max', 'eint')
const frontendZeros = zeros(
  'sid',
  'type',
  'rate_lim',
  'comp_in',
  'comp_out',
  'comp_byp',
  'comp_rsp',
  'dcon',
  'dses',
  'wrew',
  'eint',
)
const httpFrontendZeros = zeros('intercepted', 'cache_lookups', 'cache_hits')
const serverZeros = zeros('srv_icur', 'idle_conn_cur', 'safe_conn_cur', 'ssl_sess', 'ssl_reused_sess', 'ssl_failed_handshake')
const cacheZeros = zeros('cache_lookups', 'cache_hits')
const backendZeros = zeros(
  'comp_in',
  'comp_out',
  'comp_byp',
  'comp_rsp',
  'agg_server_status',
  'agg_server_check_status',
  'agg_check_status',
)

/** What servers and backends are counted by alike. */
function served(worker: Worker, figures: Figures): Cells {
  const { times, lastSessionAt } = figures
  return {
    ...traffic(figures),
    qcur: figures.queue,
    qmax: figures.mostQueue,
    dresp: 0,
    econ: figures.connectionErrors,
    eresp: figures.responseErrors,
    wretr: figures.retries,
    wredis: figures.redispatches,
    lbtot: figures.chosen,
    cli_abrt: figures.clientAborts,
    srv_abrt: figures.serverAborts,
    lastsess: lastSessionAt === null ? -1 : seconds(now(worker) - lastSessionAt),
    qtime: Math.round(times.queueMs ?? 0),
    ctime: Math.round(times.connectMs ?? 0),
    rtime: Math.round(times.responseMs ?? 0),
    ttime: Math.round(times.totalMs ?? 0),
    ...servedZeros,
    connect: figures.totalSessions,
  }
}

function frontendRow(worker: Worker, { proxy, service, maxconn, paused }: Frontend): Cells {
  const { figures } = service
  const http = proxy.mode === 'http'
  return {
    ...moduleCells,
    ...traffic(figures),
    pxname: proxy.name,
    svname: 'FRONTEND',
    slim: maxconn,
    dreq: figures.denied,
    dresp: 0,
    ereq: figures.requestErrors,
    status: worker.stopping ? 'STOP' : paused ? 'STOP' : 'OPEN',
    pid: 1,
    iid: proxy.id,
    ...frontendZeros,
    ...(http ? { ...httpResponses(figures), ...httpFrontendZeros } : {}),
    req_rate: 0,
    req_rate_max: 0,
    req_tot: figures.requests,
    mode: proxy.mode,
    conn_rate: figures.sessionsPerSecond(),
    conn_rate_max: figures.mostSessionsPerSecond,
    conn_tot: figures.totalSessions,
    '-': '-',
  }
}

function serverRow(worker: Worker, { proxy }: Backend, live: LiveServer): Cells {
  const { server, settings } = live
  const { figures, lastCheck } = server
  const http = proxy.mode === 'http'
  const configured = settings.check !== null && server.checked
  const checked = isChecked(live)
  const address = server.address.includes(':') ? `[${server.address}]` : server.address
  return {
    ...served(worker, figures),
    pxname: proxy.name,
    svname: settings.name,
    slim: server.maxSessions,
    status: statusWord(live),
    weight: live.fresh ? 1 : Math.ceil(server.effectiveWeight) || server.weight,
    act: settings.backup ? 0 : 1,
    bck: settings.backup ? 1 : 0,
    chkfail: configured ? server.failedChecks : null,
    chkdown: configured ? server.timesDown : null,
    lastchg: seconds(now(worker) - server.lastChangeAt),
    downtime: configured ? seconds(server.downtimeMs()) : null,
    pid: 1,
    iid: proxy.id,
    sid: live.id,
    type: 2,
    throttle: server.starting ? Math.round((server.effectiveWeight / Math.max(1, server.weight)) * 100) : null,
    ...(checked
      ? {
          check_status: lastCheck?.word ?? 'INI',
          check_code: lastCheck?.code ?? null,
          check_duration: lastCheck === null ? null : Math.round(lastCheck.durationMs),
          last_chk: lastCheck === null ? '' : lastCheck.passed ? lastCheck.said : lastCheck.text,
          check_desc: checkText(live),
          check_rise: settings.rise,
          check_fall: settings.fall,
          check_health: server.health,
        }
      : {}),
    ...(live.agentEnabled && !inMaintenance(live)
      ? {
          agent_status: live.agentAnswered ? 'CHECKED' : 'INI',
          agent_duration: 0,
          agent_desc: live.agentAnswered ? 'No status change' : 'Initializing',
          agent_rise: 1,
          agent_fall: 1,
          agent_health: live.agentDown ? 0 : 1,
        }
      : {}),
    ...(http ? { ...httpResponses(figures), req_tot: figures.requests } : {}),
    addr: `${address}:${server.port}`,
    cookie: settings.cookie,
    mode: proxy.mode,
    ...serverZeros,
    src_ilim: live.dynamic ? 0 : null,
    used_conn_cur: http ? figures.sessions : 0,
    need_conn_est: figures.mostSessions,
    uweight: server.weight,
    '-': '-',
  }
}

function backendRow(worker: Worker, backend: Backend, counted: boolean): Cells {
  const { proxy, pool } = backend
  const { figures } = pool
  const { active, backup, weight } = usableOf(backend)
  const http = proxy.mode === 'http'
  const usable = isUsable(backend)
  const word = usable ? 'UP' : 'DOWN'
  const downMs = backend.downtimeMs + (backend.downSince === null ? 0 : now(worker) - backend.downSince)
  return {
    ...moduleCells,
    ...served(worker, figures),
    pxname: proxy.name,
    svname: 'BACKEND',
    slim: proxy.fullconn,
    dreq: figures.denied,
    status: counted ? `${word} (${active + backup}/${backend.servers.length})` : word,
    weight,
    act: active,
    bck: backup,
    chkdown: usable ? 0 : 1,
    lastchg: seconds(now(worker) - backend.lastChangeAt),
    downtime: seconds(downMs),
    pid: 1,
    iid: proxy.id,
    sid: 0,
    type: 1,
    ...(http ? { ...httpResponses(figures), req_tot: figures.requests, ...cacheZeros } : {}),
    ...backendZeros,
    cookie: proxy.cookie?.name ?? null,
    mode: proxy.mode,
    algo: proxy.algorithmWord,
    uweight: weight,
    '-': '-',
  }
}
