#!/bin/sh
# boot.sh NODE FILES script|systemd: become a machine of its own. Runs as pid 1 of fresh mount, pid, uts and ipc namespaces, inside the node's
# network namespace. All mounts are made in here, so they vanish with the last process: nothing to clean up outside.
set -eu
node=$1
files=$2
init=$3
hostname "$node"
mount --make-rprivate /
# the tmpfs covers a directory that is otherwise unused
mount -t tmpfs -o size=1g,mode=755 "evenkeel-$node" /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root

# What belongs to the machine underneath is not this node's. Its run, tmp and log are covered, not emptied: there files come and go
# while an rm is at work.
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 log var/log
rm -rf etc/haproxy/* etc/nginx/conf.d/* etc/nginx/sites-enabled/* etc/keepalived/* etc/sudoers.d/* etc/hostname etc/hosts \
  root/.ssh root/.bashrc var/lib/haproxy/*
cp -R --no-preserve=ownership --preserve=mode "$files/." .
mkdir -p run/sshd run/haproxy run/keepalived var/log/nginx var/lib/nginx var/lib/haproxy
printf '%s\n' "$node" >etc/hostname
printf '127.0.0.1 localhost %s\n' "$node" >etc/hosts
cp etc/skel/.bashrc root/.bashrc
chown haproxy:haproxy run/haproxy
chmod 2775 run/haproxy

# the ordinary account. `*` as password: none fits, but the account is not locked, which sshd would refuse
useradd --root "$PWD" --no-log-init --create-home --shell /bin/bash --password '*' --groups haproxy ops 2>/dev/null
mkdir -m 700 home/ops/.ssh
cp root/.ssh/authorized_keys home/ops/.ssh/authorized_keys
chown -R "$(stat -c %u:%g home/ops)" home/ops

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
if [ "$init" = systemd ]; then
  . "${0%/*}/boot-systemd.sh"
fi
mkdir .old
pivot_root . .old
umount -l /.old
rmdir /.old
if [ "$init" = systemd ]; then
  exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=console --log-level=notice
fi
exec /lab/init.sh
