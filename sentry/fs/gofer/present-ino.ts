const TWO_44 = 2 ** 44;

/** Inode numbers of a tree's other devices move up, so that two files never share one st_dev and st_ino. */
export const presentIno = (device: number, ino: number): number => (device === 0 ? ino : (ino % TWO_44) + device * TWO_44);
