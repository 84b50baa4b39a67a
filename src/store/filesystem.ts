import { readFileSync, realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';

/** What the kernel says of the filesystem under a directory. */
export interface Filesystem {
  /** `f_type` of statfs(2). */
  readonly magic: number;
  /** The type as /proc/self/mountinfo names it, for a FUSE filesystem; null for others, and where it is not told. */
  readonly fuseType: string | null;
}

/** statfs(2) and linux/magic.h; those without an entry there: fs/smb/client, Lustre, GPFS and BeeGFS. */
const NETWORK_MAGICS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x00c36400, 'CephFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
]);

const FUSE_MAGIC = 0x65735546;
/** FUSE carries local filesystems too (overlays of containers, NTFS, virtiofs), so the remote ones are named. */
const NETWORK_FUSE_TYPES =
  /^fuse\.(sshfs|s3fs|s3ql|mountpoint-s3|goofys|gcsfuse|blobfuse2?|rclone|juicefs.*|glusterfs|ceph.*|davfs|curlftpfs|seaweedfs|moosefs|mfs)$/i;

/** Throws what statfs(2) says, such as `ENOENT`. */
export async function readFilesystem(directory: string): Promise<Filesystem> {
  const { type } = await statfs(directory);
  const magic = type >>> 0;
  return { magic, fuseType: magic === FUSE_MAGIC ? readMountType(directory) : null };
}

/** The network filesystem's name, or null for a local one. SQLite needs locks and syncs that network ones only promise. */
export function networkFilesystemName({ magic, fuseType }: Filesystem): string | null {
  const name = NETWORK_MAGICS.get(magic);
  if (name !== undefined) return name;
  return fuseType !== null && NETWORK_FUSE_TYPES.test(fuseType) ? fuseType.slice('fuse.'.length) : null;
}

/** The type of the innermost mount around `directory` (proc_pid_mountinfo(5)). */
function readMountType(directory: string): string | null {
  try {
    return findMountType(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(directory));
  } catch {
    return null; // no /proc
  }
}

/** The filesystem type of the last of the longest mount points that hold `path`; null when none does. */
export function findMountType(mountinfo: string, path: string): string | null {
  let best: { readonly point: string; readonly type: string } | null = null;
  for (const line of mountinfo.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ');
    const point = (mount.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    const holds = point === '/' || path === point || path.startsWith(`${point}/`);
    if (point !== '' && holds && point.length >= (best?.point.length ?? 0)) {
      best = { point, type: source.split(' ')[0] ?? '' };
    }
  }
  return best?.type ?? null;
}
