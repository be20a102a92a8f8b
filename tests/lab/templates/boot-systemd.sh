# Sourced by boot.sh in the new root, before it is entered: make systemd feel at home in a namespace.
rm -rf etc/systemd/system/*.wants
mkdir -p etc/systemd/system/multi-user.target.wants
for unit in ssh haproxy nginx keepalived; do
  ln -sf "/lib/systemd/system/$unit.service" etc/systemd/system/multi-user.target.wants/
done
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
# what needs hardware, the machine's own kernel settings, or a terminal
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-resolved.service systemd-timesyncd.service getty.target \
  console-getty.service systemd-firstboot.service e2scrub_reap.service systemd-remount-fs.service dev-hugepages.mount \
  dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
  systemd-sysctl.service systemd-modules-load.service systemd-journald-audit.socket; do
  ln -sf /dev/null "etc/systemd/system/$unit"
done
rm -f etc/machine-id
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id

# the cgroup that this process was put into is the root of its namespace
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
