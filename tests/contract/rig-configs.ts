/** Configurations that the driver suite is run over, by the real daemons and by the practice fleet's. */

export const keepalivedConfig = `global_defs {
    enable_script_security
    script_user root
}
vrrp_track_file adjust {
    file "/run/adjust it"
    weight 1
    init_file 0
}
include conf.d/*.conf
`
export const keepalivedInstances = `vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass s3cr3tPW
    }
    track_file {
        adjust
    }
    virtual_ipaddress {
        198.18.7.100/24
    }
}
vrrp_instance "VI 2; touch /tmp/evenkeel-canary" {
    state BACKUP
    interface eth0
    virtual_router_id 52
    priority 90
    virtual_ipaddress {
        198.18.7.101
    }
}
`
export const keepalivedSubjects = ['VI_1', 'VI 2; touch /tmp/evenkeel-canary']

export const nginxConfig = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 2;
pid /run/nginx.pid;
error_log /tmp/error.log notice;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    include conf.d/*.conf;
    server { listen 127.0.0.1:8081; location = /stub_status { stub_status; } }
}
stream {
    upstream app { server 127.0.0.1:9005; }
    server { listen 127.0.0.1:8083; proxy_pass app; }
}
`
export const nginxSite = `upstream app { least_conn; server 127.0.0.1:9001; server 127.0.0.1:9002 backup; }
upstream "odd name;{}" { server unix:/run/odd.sock; server [::1]; }
server { listen 127.0.0.1:8080; location / { proxy_pass http://app; } }
`
export const nginxSubjects = [
  'app/127.0.0.1:9001',
  'app/127.0.0.1:9002',
  'app/127.0.0.1:9005',
  'odd name;{}/unix:/run/odd.sock',
  'odd name;{}/[::1]:80',
]
