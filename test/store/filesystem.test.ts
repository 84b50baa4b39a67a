import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { findMountType, networkFilesystemName, readFilesystem } from '../../src/store/filesystem.ts';

it.for<[name: string | null, magic: number, fuseType: string | null]>([
  ['NFS', 0x6969, null],
  ['SMB', 0x517b, null],
  ['SMB', 0xfe534d42, null],
  ['CIFS', 0xff534d42, null],
  ['CephFS', 0x00c36400, null],
  ['sshfs', 0x65735546, 'fuse.sshfs'],
  ['juicefs', 0x65735546, 'fuse.juicefs'],
  [null, 0x65735546, 'fuse.fuse-overlayfs'],
  [null, 0x65735546, 'virtiofs'],
  [null, 0x65735546, null],
  [null, 0xef53, null],
  [null, 0x01021994, null],
])('says %s of magic number %i with FUSE type %s', ([name, magic, fuseType]) => {
  expect(networkFilesystemName({ magic, fuseType })).toBe(name);
});

it('takes the filesystem of a temporary directory for a local one', async () => {
  expect(networkFilesystemName(await readFilesystem(tmpdir()))).toBeNull();
});

const MOUNTS = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /home/me/far rw,nosuid - fuse.sshfs me@there:/ rw,user_id=1000
41 22 0:36 / /home/me/far\\040away rw - fuse.rclone remote: rw
42 22 0:37 / /home/me/far rw master:3 propagate_from:2 - fuse.s3fs s3fs rw
`;

it.for<[path: string, type: string]>([
  ['/', 'ext4'],
  ['/home/me', 'ext4'],
  ['/home/me/farther', 'ext4'],
  ['/home/me/far', 'fuse.s3fs'],
  ['/home/me/far/store', 'fuse.s3fs'],
  ['/home/me/far away/store', 'fuse.rclone'],
])('finds what is mounted around %s', ([path, type]) => {
  expect(findMountType(MOUNTS, path)).toBe(type);
});
