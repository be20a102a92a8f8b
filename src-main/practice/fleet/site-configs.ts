/** What stands in /etc of a practice balancer: files as a careful colleague would have left them. */
import { ports, type BackendRole, type PairPlan, type SitePlan } from './site-plan.ts'

export interface ConfigSite {
  readonly site: SitePlan
  readonly pair: PairPlan
  readonly checkMs: number
  readonly virtualAddress: { address: string; prefixLength: number }
  /** by its place on the segment */
  address(host: number): string
}

export function haproxyConfig(on: ConfigSite): string {
  const servers = (role: BackendRole, options: (name: string, index: number) => string): string =>
    on.site.backends
      .filter((backend) => backend.role === role)
      .map(({ name, host }, index) => `    server ${name} ${on.address(host)}:${ports.application} ${options(name, index)}`)
      .join('\n')
  return `# ${on.site.name}, ${on.pair.name}. Both balancers of the pair have the same file.
global
    log /dev/log local0 info
    stats socket /run/haproxy/admin.sock mode 660 group haproxy level admin
    stats timeout 30s
    # states and weights survive a reload only if somebody saves them here first:
    #   echo "show servers state" | socat - /run/haproxy/admin.sock > /var/lib/haproxy/server-state
    server-state-file /var/lib/haproxy/server-state
    user haproxy
    group haproxy
    maxconn 4000

defaults
    mode http
    log global
    option httplog
    option redispatch
    retries 2
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout queue 5s
    timeout http-keep-alive 30s
    timeout tunnel 1h
    default-server inter ${on.checkMs}ms fall 3 rise 2

frontend fe_web
    bind *:${ports.web}
    option forwardfor
    acl is_api path_beg /api
    use_backend be_api if is_api
    default_backend be_web

# carts live on one server: its cookie brings a customer back
backend be_web
    balance roundrobin
    cookie SRV insert indirect nocache
    option httpchk GET /health
    http-check expect status 200 on-success "%[res.hdr(X-Health)]"
${servers('web', (name, index) => `check cookie ${name} maxconn 60 weight ${index % 4 === 3 ? 50 : 100} slowstart 10s`)}

backend be_api
    balance leastconn
    option httpchk GET /health
    http-check expect status 200 on-success "%[res.hdr(X-Health)]"
${servers('api', () => 'check maxconn 60')}

# message consumers hold their connections for hours
frontend fe_queue
    mode tcp
    option tcplog
    bind *:${ports.queue}
    default_backend be_queue

backend be_queue
    mode tcp
    balance leastconn
${servers('queue', (_name, index) => `check maxconn 200${index === 0 ? '' : ' on-marked-down shutdown-sessions'}`)}
`
}

export const nginxConfig = `user www-data;
worker_processes 2;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log notice;
include /etc/nginx/modules-enabled/*.conf;

events {
    worker_connections 1024;
}

http {
    access_log off;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}

stream {
    include /etc/nginx/stream.d/*.conf;
}
`

export const nginxModules = 'load_module modules/ngx_stream_module.so;\n'

/** The portal, which is nginx's alone. */
export function nginxPortalConfig(on: ConfigSite): string {
  return `# the portal: a visitor goes to whoever has the least to do
upstream portal {
    zone portal 64k;
    least_conn;
${nginxServers(on, 'web', ' max_fails=2 fail_timeout=10s')}
}

server {
    listen ${ports.portal};

    location / {
        proxy_connect_timeout 2s;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_pass http://portal;
    }
}

server {
    listen 127.0.0.1:${ports.status};

    location = /stub_status {
        stub_status;
        allow 127.0.0.1;
        deny all;
    }
}
`
}

/** What consumes the feed holds its connection, as with the queue. */
export function nginxFeedConfig(on: ConfigSite): string {
  return `upstream feed {
    zone feed 64k;
${nginxServers(on, 'queue', '')}
}

server {
    listen ${ports.feed};
    proxy_connect_timeout 2s;
    proxy_pass feed;
}
`
}

/** A few are enough for nginx in a large fleet: its pools are read from the files in every round. */
const mostNginxServers = 8

function nginxServers({ site, address }: ConfigSite, role: BackendRole, options: string): string {
  return site.backends
    .filter((backend) => backend.role === role)
    .slice(0, mostNginxServers)
    .map(({ host }) => `    server ${address(host)}:${ports.application}${options};`)
    .join('\n')
}

export function keepalivedConfig(on: ConfigSite, node: { id: string; priority: number }): string {
  const { address, prefixLength } = on.virtualAddress
  return `# ${on.pair.name}: ${on.pair.nodes.map(({ id }) => id).join(' and ')}
global_defs {
    router_id ${node.id}
    script_user root
    enable_script_security
    # one that finds itself outranked says so at once
    vrrp_higher_prio_send_advert
}

# a balancer without HAProxy must not hold the address
vrrp_script chk_haproxy {
    script "/usr/bin/pgrep -x haproxy"
    interval 1
    timeout 2
    fall 2
    rise 2
    weight -60
}

vrrp_instance VI_${on.pair.id.replace(/^practice-/, '').toUpperCase()} {
    state BACKUP
    interface eth0
    virtual_router_id ${on.pair.routerId}
    priority ${node.priority}
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass practice
    }
    virtual_ipaddress {
        ${address}/${prefixLength} dev eth0
    }
    track_script {
        chk_haproxy
    }
}
`
}
