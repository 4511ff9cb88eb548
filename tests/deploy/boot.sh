#!/bin/sh
# boot.sh FOLDER: become a machine of its own, in namespaces that the caller has made. Its disk is a
# copy of this machine's that is thrown away at the end, and systemd is its process 1.
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=4g tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
for folder in run tmp dev/shm; do mount -t tmpfs tmpfs "$folder"; done
mkdir run/old
: > run/console
mount --bind run/console dev/console
ip link set lo up

# Only what the guide starts runs: none of this machine's services, and nothing that reaches the
# kernel, which both share.
rm -rf etc/systemd/system
mkdir etc/systemd/system
for unit in console-getty dbus-org.freedesktop.login1 getty@ kmod-static-nodes ldconfig \
  systemd-binfmt systemd-logind systemd-modules-load systemd-remount-fs systemd-sysctl \
  systemd-tmpfiles-setup-dev systemd-tmpfiles-setup-dev-early systemd-udev-load-credentials \
  systemd-udev-trigger systemd-udevd; do
  ln -s /dev/null "etc/systemd/system/$unit.service"
done
rm -f usr/sbin/policy-rc.d  # a package that is installed starts its service, as on any Debian
cat > etc/systemd/system/machine.target <<'END'
[Unit]
Requires=basic.target
Wants=dbus.service
END

pivot_root . run/old
umount -l /run/old
export container=unshare
exec /lib/systemd/systemd --unit=machine.target --log-target=console
