# Boots systemd as process 1 on an overlay of this machine, with Chorus's units and little else. Runs as root in mount,
# process, network, uts, ipc and cgroup namespaces of its own. $1: the repository. $2: a folder for what happened.
set -eu
repository=$1 results=$2
work=$(mktemp -d)
mount -t tmpfs -o size=2g tmpfs "$work"
mkdir "$work/up" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/up,workdir=$work/work" "$work/root"
root=$work/root

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do cp -a "/dev/$device" "$root/dev/"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

mkdir -p "$root/opt/chorus" "$root/etc/chorus"
mount --bind "$repository" "$root/opt/chorus"
mount --bind "$results" "$root/mnt"
cp "$repository/configs/minimal.yaml" "$root/etc/chorus/config.yaml"

units=$root/etc/systemd/system
rm -rf "$units"/*.wants "$units"/*.requires
: > "$root/etc/fstab"
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-remount-fs.service dev-hugepages.mount \
  dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount; do
  ln -sf /dev/null "$units/$unit"
done
cp "$repository"/configs/systemd/* "$units/"
# In the place of NVIDIA's program: slow, so that who does not wait is seen, and at its end only where devices may be made.
rm -f "$root/usr/bin/nvidia-smi"
cat > "$root/usr/bin/nvidia-modprobe" <<'PROGRAM'
#!/bin/sh
sleep 1 && mknod /dev/replay-uvm c 511 0 && echo "$@" > /run/devices-made
PROGRAM
chmod 755 "$root/usr/bin/nvidia-modprobe"
mkdir "$units/chorus.service.d"
cat > "$units/chorus.service.d/replay.conf" <<UNIT
[Service]
Environment=CHORUS_ENGINE_KIND=simulated
StandardOutput=append:/mnt/chorus.out
StandardError=append:/mnt/chorus.out
UNIT
cat > "$units/replay.service" <<UNIT
[Unit]
DefaultDependencies=no
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /opt/chorus/scripts/service/life.sh
StandardOutput=append:/mnt/life.out
StandardError=append:/mnt/life.out
UNIT
cat > "$units/replay.target" <<UNIT
[Unit]
Requires=basic.target
After=basic.target
Wants=replay.service
UNIT
exec chroot "$root" env -i container=replay PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=replay.target --show-status=0 --log-target=null
