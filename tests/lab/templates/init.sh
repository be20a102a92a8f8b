#!/bin/bash
# pid 1 of a node: start the services, then reap whatever is orphaned (bash does).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for service in haproxy nginx keepalived sshd; do
  /lab/service "$service" start
done
trap : TERM INT HUP
while :; do
  sleep 3600 &
  wait $!
done
